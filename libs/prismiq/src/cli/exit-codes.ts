/** The exit codes of the command. Part of its contract: never renumbered. */
export const ExitCode = {
  Ok: 0,
  Failed: 1,
  Usage: 2,
  TenantsFailed: 3,
  Behind: 4,
  Drift: 5,
  Interrupted: 130,
  Terminated: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What they mean, for `--help`. */
export const EXIT_CODE_MEANINGS: Record<ExitCode, string> = {
  [ExitCode.Ok]: 'success, or nothing to do',
  [ExitCode.Failed]:
    'the work could not be done at all: no database, no tenant directory or an empty one, or a bug in the command',
  [ExitCode.Usage]: 'a wrong option or configuration file, or a selection that matches no tenant; nothing was changed',
  [ExitCode.TenantsFailed]:
    'at least one tenant failed, or `betweenRings` ended the run; the report shows the state of the others',
  [ExitCode.Behind]: '--check: at least one tenant is behind',
  [ExitCode.Drift]: "at least one tenant's tables differ from their version",
  [ExitCode.Interrupted]: 'interrupted (Ctrl-C, SIGINT); the tenants in progress were finished first',
  [ExitCode.Terminated]: 'terminated (SIGTERM); the tenants in progress were finished first',
};
