import type { CommandDefinition } from './command.js';
import { ensureCommand } from './ensure.command.js';
import { migrateCommand } from './migrate.command.js';
import { planCommand } from './plan.command.js';
import { rollbackCommand } from './rollback.command.js';
import { sqlCommand } from './sql.command.js';
import { statusCommand } from './status.command.js';
import { tenantsCommand } from './tenants.command.js';
import { verifyCommand } from './verify.command.js';

/** All commands, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandDefinition[] = [
  statusCommand,
  planCommand,
  migrateCommand,
  rollbackCommand,
  verifyCommand,
  ensureCommand,
  sqlCommand,
  tenantsCommand,
];
