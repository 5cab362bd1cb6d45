import type { RunOptions } from '../../migrator/migrator-options.js';
import type { MigrationReport } from '../../migrator/run-report.js';
import { ExitCode } from '../exit-codes.js';
import { ShutdownSignals } from '../interruption.js';
import { Progress } from '../output/progress.js';
import { RunSummary } from '../output/run-summary.js';
import type { RunSettings } from '../session.js';
import type { CommandContext } from './command.js';

/** With what a command may end that carries a run out. */
export const RUN_EXIT_CODES = [
  ExitCode.Ok,
  ExitCode.Failed,
  ExitCode.Usage,
  ExitCode.TenantsFailed,
  ExitCode.Interrupted,
  ExitCode.Terminated,
];

/**
 * Carries a run out, shows it while it goes, and tells at the end what became of it.
 *
 * @param verb what is done to tenants, such as `Migrating`
 */
export async function runAndReport(
  { output, session }: CommandContext,
  verb: string,
  settings: RunSettings,
  run: (options: RunOptions) => Promise<MigrationReport>,
): Promise<ExitCode> {
  const summary = new RunSummary();
  const progress = new Progress(verb, output, session.env);
  const interruption = new ShutdownSignals((signal, isLast) => {
    progress.note(
      isLast
        ? `${signal} again: ending at once. PostgreSQL takes back what was in work, when its statement is through.`
        : `${signal}: finishing the tenants in work. Once more ends at once.`,
    );
    if (isLast) progress.close();
  });
  let report: MigrationReport;
  try {
    report = await run({
      ...settings,
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.type === 'tenant-finished') summary.add(event.result);
        progress.onEvent(event);
      },
    });
  } finally {
    progress.close();
    interruption.dispose();
  }
  summary.show(report, output);
  if (report.stopped?.reason === 'aborted') {
    return interruption.exitCode ?? ExitCode.Failed;
  }
  return report.counts.failed > 0 || report.stopped !== undefined ? ExitCode.TenantsFailed : ExitCode.Ok;
}
