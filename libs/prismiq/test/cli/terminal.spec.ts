import { TestDatabase } from '../../../../test/support/test-database.js';
import { CommandHost } from '../support/command.js';
import { Customers, ids } from '../support/customers.js';

const ESCAPE = '\u001B';
const CTRL_C = '\u0003';
/** Anything that is neither text nor the end of a line. */
const CONTROL = /[^\P{Cc}\n]/u;

/** How a run looks to a person in a terminal, and to a log file; and how it is interrupted. */
describe('prismiq migrate while it runs', () => {
  const tenants = ids(12);
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
  beforeEach(() => customers.populate(tenants));

  const sleeping = (seconds: number) => [`up() { this.addSql('SELECT pg_sleep(${seconds})'); }`];
  const MIGRATE = ['migrate', '--all', '--create-schema', '--concurrency', '2'];

  describe('in a terminal', () => {
    it('shows a bar with counts, rate, time left and failures, and a table at the end', async () => {
      await customers.configure(sleeping(0.3));
      const terminal = host.terminal(MIGRATE);
      await terminal.shows(/Migrating {2}.*█.*░.* [1-9]\d?\/12 .*\d\/s .* left .*0 failed/);
      expect(terminal.output).toContain(`${ESCAPE}[32m`);
      expect(await terminal.exitCode).toBe(0);

      const { screen } = terminal;
      expect(screen).toMatch(/TENANTS {2}STATE +FROM +TO +SLOWEST\n +12 {2}migrated /);
      expect(screen).toMatch(/12 tenants in .*: 12 migrated\.\n$/);
      expect(screen).not.toMatch(/█|░/);
    });

    it('uses no colors with NO_COLOR', async () => {
      await customers.configure(sleeping(0.1));
      const terminal = host.terminal(MIGRATE, { env: { NO_COLOR: '1' } });
      expect(await terminal.exitCode).toBe(0);
      expect(terminal.output).toMatch(/█.*░/);
      expect(terminal.output.replaceAll(`${ESCAPE}[K`, '')).not.toContain(ESCAPE);
    });

    it('writes no bar in the terminal of a CI', async () => {
      await customers.configure();
      const terminal = host.terminal(MIGRATE, { env: { CI: 'true' } });
      expect(await terminal.exitCode).toBe(0);
      expect(terminal.output).not.toMatch(/█|░/);
    });

    it('Ctrl-C finishes the tenants in progress, reports, and exits with 130; the next run continues with what is left', async () => {
      await customers.configure(sleeping(0.5));
      const terminal = host.terminal(MIGRATE);
      await terminal.shows(/ [1-4]\/12 /);
      terminal.type(CTRL_C);
      await terminal.shows(/SIGINT: finishing the tenants in progress\. A second signal ends at once\./);
      expect(await terminal.exitCode).toBe(130);

      const [, migrated, skipped] = /12 tenants in .*: (\d+) migrated, (\d+) skipped\./.exec(terminal.screen) ?? [];
      expect(Number(skipped)).toBeGreaterThan(0);
      expect(Number(migrated) + Number(skipped)).toBe(12);
      expect(terminal.screen).toContain('The run ended early: ');
      const done = Object.values(await customers.histories(tenants)).filter((names) => names !== undefined);
      expect(done).toEqual(Array.from({ length: Number(migrated) }, () => ['app_0001']));

      const { code, stdout } = await host.run(MIGRATE);
      expect(stdout).toContain(`${skipped} migrated`);
      expect(code).toBe(0);
    });

    it('a second Ctrl-C ends it at once, and leaves the tenant in progress as it was', async () => {
      await customers.configure(sleeping(60));
      const terminal = host.terminal(MIGRATE);
      await terminal.shows(/ 0\/12 /);
      await inWork();
      terminal.type(CTRL_C);
      await terminal.shows(/A second signal ends at once/);
      await new Promise((resolve) => setTimeout(resolve, 600)); // as a person would; an echo of the first one is passed over
      terminal.type(CTRL_C);
      expect(await terminal.exitCode).toBe(130);
      // The server notices when the statement is through, and that is far away here.
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
      );
      expect(Object.values(await customers.histories(tenants)).every((names) => names === undefined)).toBe(true);
    });

    it('rollback asks first', async () => {
      await customers.configure([
        `up() { this.addSql('CREATE VIEW v AS SELECT 1'); } down() { this.addSql('DROP VIEW v'); }`,
      ]);
      await host.run(MIGRATE);
      const rollback = ['rollback', '--tenant', tenants[0]!, '--steps', '1', '--source', 'app'];
      const no = host.terminal(rollback);
      await no.shows(/Take back app:app_0001 in 1 tenant\? \[y\/N\] /);
      no.type('\r');
      expect(await no.exitCode).toBe(0);
      expect(await customers.histories([tenants[0]!])).toEqual({ [tenants[0]!]: ['app_0001'] });

      const interrupted = host.terminal(rollback);
      await interrupted.shows(/\[y\/N\] /);
      interrupted.type(CTRL_C);
      expect(await interrupted.exitCode).toBe(130);
      expect(interrupted.screen).toContain('Nothing was changed.');

      const yes = host.terminal(rollback);
      await yes.shows(/\[y\/N\] /);
      yes.type('y\r');
      expect(await yes.exitCode).toBe(0);
      expect(await customers.histories([tenants[0]!])).toEqual({ [tenants[0]!]: [] });
    });
  });

  describe('in a pipe', () => {
    it('writes plain lines without control characters', async () => {
      await customers.configure(sleeping(0.05));
      await database.query(`CREATE SCHEMA tenant_acme_05 CREATE TABLE prismiq_widgets (id integer)`);
      const commands = [
        ['status'],
        ['plan'],
        [...MIGRATE, '--on-error', 'continue'],
        ['verify'],
        ['tenants'],
        ['migrate', '--help'],
      ];
      for (const args of commands) {
        const { stdout, stderr } = await host.run(args, { env: { TERM: 'xterm-256color', COLORTERM: 'truecolor' } });
        expect(stdout).not.toMatch(CONTROL);
        expect(stderr).not.toMatch(CONTROL);
        expect(stdout.length).toBeGreaterThan(20);
      }
    });

    it('reports its progress every few seconds', async () => {
      await customers.populate(ids(6));
      await customers.configure(sleeping(2));
      const { code, stderr } = await host.run(MIGRATE);
      expect(stderr).toMatch(/^Migrating: \d\/6, \d(\.\d)?\/s, .* left, 0 failed$/m);
      expect(code).toBe(0);
    });

    it('SIGTERM finishes the tenants in progress, and exits with 143', async () => {
      await customers.configure(sleeping(0.5));
      const { child, result } = host.start(MIGRATE);
      await inWork();
      child.kill('SIGTERM');
      child.kill('SIGTERM'); // passed on by npm, say
      const { code, stdout, stderr } = await result;
      expect(code).toBe(143);
      expect(stderr).toContain('SIGTERM: finishing the tenants in progress.');
      expect(stdout).toMatch(/12 tenants in .*: \d migrated, \d+ skipped\./);
    });
  });

  /** Waits until a migration sleeps. */
  async function inWork(): Promise<void> {
    const asleep = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    await database.waitFor(async () => (await database.query(asleep)).length > 0);
  }
});
