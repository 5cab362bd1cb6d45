import type { RunOptions } from '../../migrator/migrator-options.js';
import type { MigrationReport } from '../../migrator/run-report.js';
import { ExitCode } from '../exit-codes.js';
import { ShutdownSignals } from '../shutdown-signals.js';
import { Progress } from '../output/progress.js';
import { RunSummary } from '../output/run-summary.js';
import type { RunSettings } from '../session.js';
import type { CommandContext } from './command.js';

/** The exit codes of a command that runs migrations. */
export const RUN_EXIT_CODES = [
  ExitCode.Ok,
  ExitCode.Failed,
  ExitCode.Usage,
  ExitCode.TenantsFailed,
  ExitCode.Interrupted,
  ExitCode.Terminated,
];

/**
 * Runs a migration, shows its progress, and reports the result.
 *
 * @param verb says what the run does, such as `Migrating`
 */
export async function runAndReport(
  { output, session }: CommandContext,
  verb: string,
  settings: RunSettings,
  run: (options: RunOptions) => Promise<MigrationReport>,
): Promise<ExitCode> {
  const summary = new RunSummary();
  const progress = new Progress(verb, output, session.env);
  const shutdown = new ShutdownSignals((signal, isLast) => {
    progress.note(
      isLast
        ? `${signal} again: ending at once. PostgreSQL rolls back the work in progress when its statement ends.`
        : `${signal}: finishing the tenants in progress. A second signal ends at once.`,
    );
    if (isLast) progress.close();
  });
  let report: MigrationReport;
  try {
    report = await run({
      ...settings,
      signal: shutdown.signal,
      onEvent: (event) => {
        if (event.type === 'tenant-finished') summary.add(event.result);
        progress.onEvent(event);
      },
    });
  } finally {
    progress.close();
    shutdown.dispose();
  }
  summary.show(report, output);
  if (report.stopped?.reason === 'aborted') {
    return shutdown.exitCode ?? ExitCode.Failed;
  }
  return report.counts.failed > 0 || report.stopped !== undefined ? ExitCode.TenantsFailed : ExitCode.Ok;
}
