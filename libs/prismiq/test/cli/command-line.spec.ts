import { readFile } from 'node:fs/promises';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { CommandHost } from '../support/command.js';

/** How the command reads its arguments, before it does anything. */
describe('the command line of prismiq', () => {
  let database: TestDatabase;
  let host: CommandHost;
  beforeAll(async () => {
    database = await TestDatabase.create();
    host = await CommandHost.create(database);
  });
  afterAll(async () => {
    await host.remove();
    await database.close();
  });

  const COMMANDS = ['status', 'plan', 'migrate', 'rollback', 'verify', 'ensure', 'sql', 'tenants'];

  it('shows its manual, with all commands and exit codes', async () => {
    const { code, stdout, stderr } = await host.run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, 'm'));
    }
    expect(stdout).toMatch(/Exit codes:\n  0 .*\n  1 /);
    expect(stdout).toMatch(/^  130  interrupted/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each(COMMANDS)('shows the manual of %s, in three ways', async (command) => {
    const { code, stdout } = await host.run([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: prismiq ${command} `));
    expect(stdout).toMatch(new RegExp(`Examples:\n  prismiq ${command} ?`));
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('--config <file>');
    expect(stdout).toContain('[PRISMIQ_CONFIG]');
    for (const words of [
      ['help', command],
      ['-h', command],
    ]) {
      expect((await host.run(words)).stdout).toBe(stdout);
    }
  });

  it('shows the version of the package', async () => {
    const { version } = JSON.parse(await readFile('libs/prismiq/package.json', 'utf8'));
    expect(await host.run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it.each([
    [[], 'Error: Which command? There are status, plan, migrate,'],
    [['migrat'], "Error: unknown command 'migrat'\n(Did you mean migrate?)\n`prismiq --help` shows"],
    [['whatever'], "Error: unknown command 'whatever'\n`prismiq --help` shows how to use it."],
    [['migrate', '--al'], "Error: unknown option '--al'\n(Did you mean --all?)\n`prismiq migrate --help` shows"],
    [['migrate', '-z'], "Error: unknown option '-z'\n`prismiq migrate --help` shows how to use it."],
    [['migrate', 'acme'], 'Error: prismiq migrate takes only options, not "acme". To name a tenant: --tenant acme.'],
    [['status', '--steps', '1'], "Error: unknown option '--steps'\n`prismiq status --help` shows how to use it."],
    [['migrate', '--all=yes'], "Error: unknown option '--all=yes'\n`prismiq migrate --help` shows how to use it."],
    [['migrate', '--tenant'], "Error: option '-t, --tenant <id>' argument missing"],
    [['migrate', '--tenant', '--all'], "Error: option '-t, --tenant <id>' needs a value."],
    [['--tenant', 'a', 'migrate', '--al'], "Error: unknown option '--al'\n(Did you mean --all?)"],
    [
      ['migrate', '--to', 'a', '--to', 'b'],
      "Error: option '--to <version>' argument 'b' is invalid. Give the option once.",
    ],
    [
      ['migrate', '--concurrency', '0'],
      "Error: option '--concurrency <n>' argument '0' is invalid. It must be a whole number from 1 to 1000.",
    ],
    [
      ['migrate', '--on-error', 'no'],
      `Error: option '--on-error <stop|continue>' argument 'no' is invalid. It must be "stop" or "continue".`,
    ],
    [
      ['migrate', '--lock-timeout', '3 h'],
      "Error: option '--lock-timeout <time>' argument '3 h' is invalid. It must be a time such as 500ms, 5s or 2min",
    ],
    [['migrate'], 'Error: Which tenants? Give --all, --tenant ID, --ring NAME or --tag NAME.'],
    [['migrate', '--all', '--tenant', 'a'], 'Error: --all means every tenant: leave it out, or leave out --tenant,'],
    [['migrate', '--all', '--max-failures', '2'], 'Error: How many tenants may fail (--max-failures,'],
    [['rollback', '--all'], 'Error: How far back? Give either --steps N or --to VERSION'],
    [['rollback', '--all', '--steps', '1', '--to', 'x'], 'Error: How far back? Give either --steps N or --to VERSION'],
    [['ensure'], 'Error: Where? Give --schema NAME, --tenant ID, --ring NAME, --tag NAME or --all.'],
    [['sql', '--schema', 'a;b'], 'Error: Invalid schema name "a;b"'],
    [
      ['sql', '--database-url', ''],
      "Error: option '--database-url <url>' argument '' is invalid. It must not be empty.",
    ],
  ])('refuses %j in a sentence that says what to do', async (args, message) => {
    const { code, stdout, stderr } = await host.run(args);
    expect(stderr.slice(0, message.length)).toBe(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('names an invalid environment variable, if the command uses it', async () => {
    const env = { PRISMIQ_CONCURRENCY: 'many' };
    expect(await host.run(['migrate', '--help'], { env })).toMatchObject({ code: 0 });
    expect(await host.run(['sql'], { env })).toMatchObject({ code: 0 });
    const { code, stderr } = await host.run(['migrate', '--all'], { env });
    expect(stderr).toBe("Error: PRISMIQ_CONCURRENCY is 'many'. It must be a whole number from 1 to 1000.\n");
    expect(code).toBe(2);
  });

  it('also writes an error as JSON with --json', async () => {
    const { code, events } = await host.run(['migrate', '--json']);
    expect(code).toBe(2);
    expect(events).toEqual([
      {
        type: 'error',
        code: 'USAGE',
        message: 'Which tenants? Give --all, --tenant ID, --ring NAME or --tag NAME.',
        exitCode: 2,
      },
    ]);
  });

  it('shows where an error comes from with --verbose or PRISMIQ_DEBUG, and not without', async () => {
    expect((await host.run(['migrate', '--verbose'])).stderr).toMatch(/^ +at .*cli/m);
    expect((await host.run(['migrate'], { env: { PRISMIQ_DEBUG: '1' } })).stderr).toMatch(/^ +at .*cli/m);
    expect((await host.run(['migrate'], { env: { PRISMIQ_DEBUG: '0' } })).stderr).not.toMatch(/^ +at/m);
  });

  it('ignores a reader that stops reading', async () => {
    const { child, result } = host.start(['sql']);
    child.stdout.destroy();
    expect(await result).toMatchObject({ code: 0, stderr: '' });
  });
});
