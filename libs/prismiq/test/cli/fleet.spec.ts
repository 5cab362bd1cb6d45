import { describeCatalog, schemaNames } from '../../../../test/support/catalog.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { CommandHost, type CommandResult } from '../support/command.js';
import { Customers, ids } from '../support/customers.js';

const VIEW = `up() { this.addSql('CREATE VIEW v AS SELECT 1 AS one'); } down() { this.addSql('DROP VIEW v'); }`;
const TABLE = `up() { this.addSql('CREATE TABLE notes (id integer)'); } down() { this.addSql('DROP TABLE notes'); }`;
const NEWEST = 'prismiq_0002_version_and_list_index';

/** What the commands do with a fleet, what they print for people and for programs, and how they exit. */
describe('the prismiq command on a fleet', () => {
  let database: TestDatabase;
  let host: CommandHost;
  let customers: Customers;
  beforeAll(async () => {
    database = await TestDatabase.create();
    host = await CommandHost.create(database);
    customers = new Customers(database, host);
  });
  afterAll(async () => {
    await host.remove();
    await database.close();
  });

  const tenants = ['acme', 'globex', 'initech', 'umbrella'];
  const getRing = (id: string) => ({ acme: 'canary', globex: 'early' })[id];
  beforeEach(async () => {
    await customers.populate(tenants, getRing);
    await customers.configure([VIEW]);
  });
  const provision = () => host.run(['migrate', '--all', '--create-schema']);
  const getTypes = ({ events }: CommandResult) => events.map(({ type }) => type);

  describe('tenants', () => {
    it('lists those of the directory', async () => {
      const { code, stdout } = await host.run(['tenants']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/TENANT +SCHEMA +STATE +RING +TAGS\nacme +tenant_acme +active +canary +a\n/);
      expect(stdout).toMatch(/\n4 tenants\.\n$/);
    });

    it.each([
      [['--ring', 'canary'], ['acme']],
      [
        ['--tag', 'g', '--tag', 'u'],
        ['globex', 'umbrella'],
      ],
      [
        ['--tenant', '*e*', '--tenant', 'umb?ella'],
        ['acme', 'globex', 'initech', 'umbrella'],
      ],
      [['--tenant', 'a*', '--ring', 'early'], []],
    ])('lists those selected by %j', async (flags, expected) => {
      const { code, events } = await host.run(['tenants', '--json', ...flags]);
      expect(events.filter(({ type }) => type === 'tenant').map(({ tenantId }) => tenantId)).toEqual(expected);
      expect(code).toBe(expected.length === 0 ? 2 : 0);
    });

    it('writes everything about each as JSON', async () => {
      const { events } = await host.run(['tenants', '--json', '--tenant', 'acme']);
      expect(events).toEqual([
        { type: 'tenant', tenantId: 'acme', schema: 'tenant_acme', state: 'active', ring: 'canary', tags: ['a'] },
      ]);
    });
  });

  it('escapes control characters', async () => {
    await host.write(
      'evil.config.mjs',
      `import { tenantsFromList } from '@prismiq/nestjs';
       export default { directory: tenantsFromList([{ tenantId: '\\u001b[2Jevil', schema: 'tenant_evil' }]) };`,
    );
    for (const command of ['tenants', 'status']) {
      const { stdout } = await host.run([command, '--config', 'evil.config.mjs']);
      expect(stdout).toContain('\\x1b[2Jevil');
      expect(stdout).not.toContain('\u001B');
    }
  });

  describe('status', () => {
    it('names tenants without a schema, and with --check exits with 4', async () => {
      const { code, stdout } = await host.run(['status']);
      expect(code).toBe(0);
      expect(stdout).toContain('4 tenants without a schema: acme (tenant_acme), globex (tenant_globex)');
      expect((await host.run(['status', '--check'])).code).toBe(4);
      expect(await schemaNames(database)).not.toContain('tenant_acme');
    });

    it('groups tenants by version, and with --check exits with 0 once all are up to date', async () => {
      await provision();
      const { code, stdout } = await host.run(['status', '--check']);
      expect(stdout).toMatch(
        /^4 tenants\. The newest version is prismiq prismiq_0002_version_and_list_index, app app_0001\./,
      );
      expect(stdout).toMatch(/ 4 {2}prismiq .* up to date +(\w+, ){3}\w+\n/);
      expect(stdout).toMatch(/All tenants are up to date\.\n$/);
      expect(code).toBe(0);
      await customers.configure([VIEW, TABLE]);
      expect(await host.run(['status', '--check'])).toMatchObject({
        code: 4,
        stdout: expect.stringContaining('1 behind'),
      });
    });

    it('names tenants that have drifted and orphaned schemas, and with --check exits with 5', async () => {
      await provision();
      await database.query('ALTER TABLE tenant_acme.prismiq_dashboards ALTER COLUMN name DROP NOT NULL');
      await database.query('DROP TABLE tenant_globex.prismiq_widgets');
      await database.query('DELETE FROM customers WHERE id = $1', ['initech']);
      const { code, stdout } = await host.run(['status', '--check']);
      expect(stdout).toMatch(/Drifted: 1 tenant\n {2}acme \(schema tenant_acme\)\n.*name/s);
      expect(stdout).toMatch(/Half provisioned: 1 tenant\n {2}globex /);
      expect(stdout).toContain('Schemas with tables of Prismiq that belong to no tenant: tenant_initech');
      expect(code).toBe(5);
      await database.query('DROP SCHEMA tenant_initech CASCADE');
    });

    it('writes one JSON object', async () => {
      await provision();
      const { events } = await host.run(['status', '--json']);
      expect(events).toEqual([
        {
          type: 'status',
          total: 4,
          newest: { prismiq: NEWEST, app: 'app_0001' },
          upToDate: true,
          groups: [
            {
              version: { prismiq: NEWEST, app: 'app_0001' },
              pending: [],
              unrecorded: [],
              unknown: [],
              tenants,
            },
          ],
          missing: [],
          halfProvisioned: [],
          drifted: [],
          unreadable: [],
          orphans: [],
        },
      ]);
    });
  });

  describe('plan', () => {
    it('shows the SQL for each group of tenants, and writes nothing', async () => {
      await host.run(['migrate', '--tenant', 'acme', '--create-schema', '--to', 'prismiq_0001_tables']);
      const before = await describeCatalog(database, 'tenant_acme');
      const { code, stdout } = await host.run(['plan']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^-- 1 tenant from .*prismiq_0001_tables.* to .*: acme$/m);
      expect(stdout).toMatch(/^-- 3 tenants from .*none.*: globex, initech, umbrella\n-- Their schemas do not exist/m);
      expect(stdout).toMatch(/^-- prismiq: prismiq_0002_version_and_list_index\nALTER TABLE .*;$/m);
      expect(stdout).toMatch(/^CREATE VIEW v AS SELECT 1 AS one;$/m);
      expect(await describeCatalog(database, 'tenant_acme')).toEqual(before);
      expect(await schemaNames(database)).not.toContain('tenant_globex');
      expect((await host.run(['migrate', '--all', '--dry-run'])).stdout).toBe(stdout);
    });

    it('with --check exits with 4 while a tenant is behind', async () => {
      expect((await host.run(['plan', '--check'])).code).toBe(4);
      await provision();
      expect(await host.run(['plan', '--check'])).toMatchObject({ code: 0, stdout: 'Nothing to do for 4 tenants.\n' });
    });

    it('marks statements that lose data, and migrations outside of the transaction', async () => {
      await customers.configure([
        VIEW,
        `up() { this.addSql('DROP TABLE IF EXISTS old'); }`,
        `up() { this.addSql('CREATE INDEX CONCURRENTLY i ON prismiq_widgets (type)'); } isTransactional() { return false; }`,
      ]);
      const { stdout } = await host.run(['plan', '--tenant', 'acme']);
      expect(stdout).toContain('-- DESTRUCTIVE: it drops a table\nDROP TABLE IF EXISTS old;');
      expect(stdout).toContain(
        '-- app: app_0003\n-- OUTSIDE OF THE TRANSACTION of its tenant\nCREATE INDEX CONCURRENTLY',
      );
    });
  });

  describe('migrate', () => {
    it('writes the events of the run as JSON, and nothing else', async () => {
      const result = await host.run(['migrate', '--ring', 'canary', '--create-schema', '--json']);
      expect(result.code).toBe(0);
      expect(getTypes(result)).toEqual([
        'run-started',
        'ring-started',
        'tenant-started',
        'tenant-finished',
        'ring-finished',
        'run-finished',
      ]);
      expect(result.events[3]).toEqual({
        type: 'tenant-finished',
        result: {
          tenantId: 'acme',
          schema: 'tenant_acme',
          ring: 'canary',
          state: 'migrated',
          from: { prismiq: null, app: null },
          to: { prismiq: NEWEST, app: 'app_0001' },
          migrations: ['prismiq:prismiq_0001_tables', `prismiq:${NEWEST}`, 'app:app_0001'],
          repairs: [],
          remaining: [],
          durationMs: expect.any(Number),
          attempts: 1,
        },
      });
      expect(result.events[5]!['report']).toMatchObject({
        direction: 'up',
        total: 1,
        counts: { migrated: 1, failed: 0, skipped: 0 },
        failures: [],
      });
    });

    it('runs the rings in order', async () => {
      const { events } = await host.run(['migrate', '--all', '--create-schema', '--json']);
      const finished = events.filter(({ type }) => type === 'ring-finished').map(({ ring }) => ring);
      expect(finished).toEqual(['canary', 'early', undefined]);
      const [first, second] = events.filter(({ type }) => type === 'tenant-started').map(({ tenantId }) => tenantId);
      expect([first, second]).toEqual(['acme', 'globex']);
    });

    it('names a tenant that fails, continues with --on-error continue, exits with 3, and later continues with what is left', async () => {
      await database.query('CREATE SCHEMA tenant_initech CREATE TABLE v (id integer)');
      const migrate = ['migrate', '--all', '--create-schema', '--on-error', 'continue'];
      const { code, stdout, stderr } = await host.run(migrate);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^failed initech: SQLSTATE 42P07, /m);
      expect(stdout).toMatch(
        /Failed: 1 tenant\n {2}initech \(schema tenant_initech\): SQLSTATE 42P07, 1 attempt\n {4}\S/,
      );
      expect(stdout).toMatch(/4 tenants in .*: 3 migrated, 1 failed\.\n.*run the same command again/);

      await database.query('DROP TABLE tenant_initech.v');
      expect(await host.run(migrate)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/4 tenants in .*: 1 migrated, 3 unchanged\./),
      });
    });

    it('stops at the first tenant that fails, unless told otherwise', async () => {
      await database.query('CREATE SCHEMA tenant_acme CREATE TABLE v (id integer)');
      const { code, stdout } = await host.run(['migrate', '--all', '--create-schema']);
      expect(stdout).toMatch(/: 1 failed, 3 skipped\.\nThe run ended early: /);
      expect(code).toBe(3);
    });

    it('says what to do about a tenant without a schema', async () => {
      const { code, stdout } = await host.run(['migrate', '--tenant', 'acme']);
      expect(stdout).toContain('--create-schema');
      expect(code).toBe(3);
    });

    it('takes the concurrency from the flag, else the environment, else the file', async () => {
      await customers.populate(ids(8));
      await customers.configure([`up() { this.addSql('SELECT pg_sleep(0.15)'); }`], 'concurrency: 3,');
      const env = { PRISMIQ_CONCURRENCY: '2' };
      for (const [flags, options, expected] of [
        [['--concurrency', '1'], { env }, 1],
        [[], { env }, 2],
        [[], {}, 3],
      ] as const) {
        await customers.populate(ids(8));
        const { events } = await host.run(['migrate', '--all', '--create-schema', '--json', ...flags], options);
        let inWork = 0;
        let most = 0;
        for (const { type } of events) {
          inWork += type === 'tenant-started' ? 1 : type === 'tenant-finished' ? -1 : 0;
          most = Math.max(most, inWork);
        }
        expect(most).toBe(expected);
      }
    });

    it('names a tenant that another process works on, and waits for it as long as the flag says', async () => {
      await provision();
      await customers.configure([VIEW, TABLE]);
      const client = await database.pool.connect();
      try {
        await client.query(
          `BEGIN; SELECT pg_advisory_xact_lock(('x' || left(encode(sha256('prismiq/tenant_acme'), 'hex'), 16))::bit(64)::bigint)`,
        );
        const { code, stdout, stderr } = await host.run(['migrate', '--tenant', 'acme', '--wait', '300ms']);
        expect(stderr).toContain('acme (schema tenant_acme): waiting for another process');
        expect(stdout).toMatch(/Schema "tenant_acme" is being worked on by another process/);
        expect(code).toBe(3);
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
    });

    it('waits for a lock as long as the flag says', async () => {
      await provision();
      const seeing = `this.addSql("CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout");`;
      await customers.configure(
        [VIEW, `up() { ${seeing} this.addSql('ALTER TABLE prismiq_widgets ADD COLUMN extra integer'); }`],
        'retries: 0,',
      );
      const client = await database.pool.connect();
      try {
        await client.query('BEGIN; LOCK TABLE tenant_acme.prismiq_widgets IN ACCESS SHARE MODE');
        const { events } = await host.run(['migrate', '--tenant', 'acme', '--json', '--lock-timeout', '200ms']);
        const { result } = events.find(({ type }) => type === 'tenant-finished')! as any;
        expect(result).toMatchObject({ state: 'failed', sqlState: '55P03', attempts: 1 });
        expect(result.durationMs).toBeGreaterThan(150);
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
      expect((await host.run(['migrate', '--tenant', 'acme', '--lock-timeout', '1234ms'])).code).toBe(0);
      expect(await database.query('SELECT * FROM tenant_acme.seen')).toEqual([{ lock_timeout: '1234ms' }]);
    });
  });

  describe('rollback', () => {
    beforeEach(async () => {
      await customers.configure([VIEW, TABLE]);
      await provision();
    });
    const rollback = ['rollback', '--tenant', 'acme', '--source', 'app'];

    it('refuses to lose data without the flag, and names the statements', async () => {
      const { code, stderr } = await host.run([...rollback, '--steps', '1', '--yes']);
      expect(stderr).toMatch(/^Error: This loses data, in 1 tenant:\n {2}DROP TABLE notes\n.*add --allow-data-loss/m);
      expect(code).toBe(2);
      expect(await customers.histories(['acme'])).toEqual({ acme: ['app_0001', 'app_0002'] });
    });

    it('refuses to continue without a terminal to ask on', async () => {
      const { code, stderr } = await host.run([...rollback, '--steps', '1', '--allow-data-loss']);
      expect(stderr).toContain('There is no terminal to ask on. Look at it with --dry-run, then add --yes.');
      expect(code).toBe(2);
      expect(await customers.histories(['acme'])).toEqual({ acme: ['app_0001', 'app_0002'] });
    });

    it('takes back a number of migrations, or all after a version, of the selected tenants only', async () => {
      const flags = ['--yes', '--allow-data-loss'];
      expect((await host.run([...rollback, '--steps', '1', '--dry-run'])).stdout).toContain('DROP TABLE notes;');
      expect(await host.run([...rollback, '--steps', '1', ...flags])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/1 tenant in .*: 1 reverted\./),
      });
      expect(await customers.histories(['acme', 'globex'])).toEqual({
        acme: ['app_0001'],
        globex: ['app_0001', 'app_0002'],
      });
      expect((await host.run(['rollback', '--all', '--to', 'app_0001', ...flags])).code).toBe(0);
      expect(await customers.histories(['globex'])).toEqual({ globex: ['app_0001'] });
      expect((await host.run([...rollback, '--to', '0', ...flags])).code).toBe(0);
      expect(await customers.histories(['acme', 'globex'])).toEqual({ acme: [], globex: ['app_0001'] });
    });
  });

  describe('verify', () => {
    it('finds no problem, and exits with 0', async () => {
      await provision();
      expect(await host.run(['verify'])).toMatchObject({
        code: 0,
        stdout: '4 tenants: all tables match their version.\n',
      });
    });

    it('lists the differences, and exits with 5', async () => {
      await provision();
      await database.query('DROP INDEX tenant_acme.idx_widgets_dashboard_id');
      const { code, stdout } = await host.run(['verify']);
      expect(stdout).toMatch(
        /^4 tenants verified\.\n\nProblems: 1 tenant\n {2}acme \(schema tenant_acme\)\n.*idx_widgets_dashboard_id/s,
      );
      expect(code).toBe(5);
      const { events } = await host.run(['verify', '--json']);
      expect(events).toMatchObject([
        {
          type: 'finding',
          tenantId: 'acme',
          differences: [{ table: 'prismiq_widgets', kind: 'index', name: 'idx_widgets_dashboard_id' }],
        },
        { type: 'verified', total: 4, behind: 0, findings: 1 },
      ]);
    });
  });

  it('ensure creates the tables of the selected tenants and of further schemas', async () => {
    const { code, events } = await host.run([
      'ensure',
      '--ring',
      'canary',
      '--schema',
      'beside',
      '--create-schema',
      '--json',
    ]);
    expect(events).toEqual(['beside', 'tenant_acme'].map((schema) => ({ type: 'ensured', schema, created: true })));
    expect(code).toBe(0);
    expect(await schemaNames(database)).not.toContain('tenant_globex');
    await database.query('DROP SCHEMA beside CASCADE');
  });

  it.each([['status'], ['plan'], ['migrate'], ['verify'], ['tenants']])(
    '%s says so when no tenant is selected',
    async (command) => {
      const { code, stderr } = await host.run([command, '--tenant', 'nobody']);
      expect(stderr).toContain('nobody');
      expect(stderr).toContain('prismiq tenants');
      expect(code).toBe(2);
    },
  );

  it('fails if the directory has no tenants, unless that is allowed', async () => {
    await customers.populate([]);
    for (const args of [['status', '--check'], ['migrate', '--all'], ['ensure', '--all'], ['verify']]) {
      const { code, stderr } = await host.run(args);
      expect(stderr).toMatch(/^Error: The directory has no tenants\. .*--allow-empty/m);
      expect(code).toBe(1);
    }
    expect((await host.run(['migrate', '--all', '--allow-empty'])).code).toBe(0);
  });

  it('counts an unusable entry as one failed tenant', async () => {
    await customers.populate(['acme', 'big-corp']);
    const migrate = ['migrate', '--create-schema', '--on-error', 'continue'];
    expect(await host.run([...migrate, '--tenant', 'acme'])).toMatchObject({ code: 0 });
    expect(await host.run([...migrate, '--all'])).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/big-corp .*INVALID_TENANT_ID.*2 tenants in .*: 1 unchanged, 1 failed\./s),
    });
    expect(await host.run(['status', '--check'])).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/up to date +acme\n.*Not readable: 1 tenant\n {2}big-corp/s),
    });
    expect((await host.run(['verify'])).code).toBe(5);
    expect(await host.run(['tenants'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Invalid: big-corp\n.*schema name/),
    });
  });

  it('exits with 1 when the directory cannot be read', async () => {
    await database.query('ALTER TABLE customers RENAME TO clients');
    const { code, stderr } = await host.run(['status']);
    await database.query('ALTER TABLE clients RENAME TO customers');
    expect(stderr).toContain('Error: The tenant directory failed to list the tenants');
    expect(code).toBe(1);
  });
});
