import type { MigrationReport, TenantResult } from '../../migrator/run-report.js';
import { withHint } from '../errors.js';
import type { Output } from './output.js';
import { table } from './table.js';
import { count, counted, printable, printableLines, span } from './text.js';
import { versionText } from './versions.js';

interface Row {
  readonly state: string;
  readonly from: string;
  readonly to: string;
  tenants: number;
  slowest: TenantResult;
}

/** Counts tenants by result, so that the final table is as short for thousands of them as for a few. */
export class RunSummary {
  readonly #rows = new Map<string, Row>();

  add(result: TenantResult): void {
    const { state, from, to, durationMs } = result;
    const key = JSON.stringify([state, from, to]);
    const row = this.#rows.get(key);
    if (row === undefined) {
      this.#rows.set(key, { state, from: versionText(from), to: versionText(to), tenants: 1, slowest: result });
    } else {
      row.tenants += 1;
      row.slowest = durationMs > row.slowest.durationMs ? result : row.slowest;
    }
  }

  show({ counts, failures, total, durationMs, stopped }: MigrationReport, output: Output): void {
    const rows = [...this.#rows.values()].toSorted((one, other) => other.tenants - one.tenants);
    if (rows.length > 0) {
      const lines = table(
        rows,
        [
          { title: 'TENANTS', cell: ({ tenants }) => count(tenants), align: 'right' },
          { title: 'STATE', cell: ({ state }) => state },
          { title: 'FROM', cell: ({ from }) => from },
          { title: 'TO', cell: ({ to }) => to },
          { title: 'SLOWEST', cell: ({ slowest }) => `${span(slowest.durationMs)} (${slowest.tenantId})` },
        ],
        output.title,
      );
      output.result(lines, '');
    }
    if (failures.length > 0) {
      output.result(output.title(`Failed: ${counted(failures.length, 'tenant')}`), ...failures.flatMap(failure), '');
    }
    const states = Object.entries(counts).filter(([, number]) => number > 0);
    const facts = states.map(([state, number]) => `${count(number)} ${state}`).join(', ');
    output.result(`${counted(total, 'tenant')} in ${span(durationMs)}${facts === '' ? '' : `: ${facts}`}.`);
    if (stopped !== undefined) {
      output.result(`The run ended early: ${printable(stopped.message)}`);
    }
    if (failures.length > 0) {
      output.result('Repair what the messages name, and run the same command again: it continues with what is left.');
    }
  }
}

function failure({ tenantId, schema, code, sqlState, attempts, message }: TenantResult): string[] {
  const kind = sqlState === undefined ? (code ?? 'no code') : `SQLSTATE ${sqlState}`;
  return [
    `  ${printable(tenantId)} (schema ${schema}): ${kind}, ${counted(attempts, 'attempt')}`,
    ...printableLines(withHint(message ?? '', code)).map((line) => `    ${line}`),
  ];
}
