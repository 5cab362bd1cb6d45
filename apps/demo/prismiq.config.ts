/** For the `prismiq` command: with the demo running, `npx prismiq status` in this folder. */
import { definePrismiqConfig } from '@prismiq/nestjs';
import { mikroOrmConfig } from './src/database/mikro-orm.config.js';
import { tenantDirectory } from './src/tenants/tenant-directory.js';
import { tenantSchema } from './src/tenants/tenant-schema.js';

/** The database of `npm start`, unless DATABASE_URL names another one. */
const ON_THIS_MACHINE = 'postgres://postgres:password@127.0.0.1:54329/prismiq_demo';

export default definePrismiqConfig({
  database: mikroOrmConfig(process.env.DATABASE_URL ?? ON_THIS_MACHINE),
  schemaFor: tenantSchema,
  directory: tenantDirectory,
  rings: ['canary'],
});
