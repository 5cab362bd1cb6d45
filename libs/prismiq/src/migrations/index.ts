export { PRISMIQ_HISTORY_TABLE } from '../schema/history.js';
export { PRISMIQ_MIGRATIONS, type PrismiqMigration } from './prismiq-migrations.js';
export { WildcardSchemaMigrator } from './wildcard-schema-migrator.js';
