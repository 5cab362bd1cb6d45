import type { TenantFinding } from '../../migrator/fleet-report.js';
import type { Output } from './output.js';
import { counted, printable, printableLines } from './text.js';

const MAX_TENANTS_SHOWN = 20;

/** Lists tenants with problems, each with its message. */
export function findings(title: string, found: readonly TenantFinding[], output: Output): string[] {
  if (found.length === 0) {
    return [];
  }
  const shown = output.verbose ? found : found.slice(0, MAX_TENANTS_SHOWN);
  return [
    '',
    output.title(`${title}: ${counted(found.length, 'tenant')}`),
    ...shown.flatMap(({ tenantId, schema, message }) => [
      `  ${printable(tenantId)} (schema ${schema})`,
      ...printableLines(message).map((line) => `    ${line}`),
    ]),
    ...(shown.length < found.length ? [`  and ${found.length - shown.length} more; --verbose shows all`] : []),
  ];
}
