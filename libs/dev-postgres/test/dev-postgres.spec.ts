import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

interface Holder {
  readonly child: ChildProcess;
  /** What it says next; nothing after its end. */
  readonly next: () => Promise<Record<string, string | number | boolean> | undefined>;
}

const isRoot = process.getuid?.() === 0;

/** A server for development, as processes of an application have it. */
describe('startPostgres', () => {
  let folder: string;
  let dataDir: string;
  const holders: Holder[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'prismiq-dev-postgres-'));
    chmodSync(folder, 0o755);
    dataDir = join(folder, 'kept');
  });
  afterEach(() => Promise.all(holders.splice(0).map(({ child }) => end(child, 'SIGTERM'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  function launch(options: object = {}): Holder {
    const argument = JSON.stringify({ dataDir, persistent: true, ...options });
    const child = spawn(process.execPath, [join(import.meta.dirname, 'holder.mjs'), argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true, // the leader of a process group, as in a terminal
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const holder = { child, next: async () => await lines.next().then(({ value }) => value && JSON.parse(value)) };
    holders.push(holder);
    return holder;
  }

  async function start(options: object = {}) {
    const holder = launch(options);
    const said = (await holder.next()) as { url: string; port: number; dataDir: string; error?: string };
    expect(said.error).toBeUndefined();
    return { ...holder, ...said };
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const readServerPid = (directory: string) =>
    Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);

  it('starts with the settings given, and keeps the data for the next start', async () => {
    const first = await start({ flags: ['max_connections=17', "application_name=it's here"] });
    expect(await query(first.url, 'SHOW max_connections')).toEqual([{ max_connections: '17' }]);
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS seven');
    await end(first.child, 'SIGTERM');
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);

    const second = await start();
    expect(await query(second.url, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  it('takes another port when the one wanted is in use', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    const holder = await start({ port });
    expect(holder.port).not.toBe(port);
    occupant.close();
    await once(occupant, 'close');
    await end(holder.child, 'SIGTERM');
    expect((await start({ port })).port).toBe(port);
  });

  it('refuses a data directory that another process uses, and names that process', async () => {
    const first = await start();
    const { error } = (await launch().next())!;
    expect(error).toMatch(new RegExp(`are in use by process ${first.child.pid}\\. Stop it`));
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('continues after the server was killed', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE survives AS SELECT 1 AS one');
    process.kill(readServerPid(dataDir), 'SIGKILL');
    await end(first.child, 'SIGTERM');
    const second = await start();
    expect(await query(second.url, 'SELECT * FROM survives')).toEqual([{ one: 1 }]);
  });

  it('continues after the process was killed, and stops the server that it left', async () => {
    const first = await start();
    const abandoned = readServerPid(dataDir);
    await end(first.child, 'SIGKILL');
    expect(readServerPid(dataDir)).toBe(abandoned);
    await start();
    await expect(query(first.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it.each(['a process that has ended', 'a process that is something else'])(
    'goes on with a pid file that names %s',
    async (which) => {
      await end((await start()).child, 'SIGTERM');
      const owner = isRoot ? { uid: Number(spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout) } : {};
      const other = spawn('sleep', ['600'], { ...owner, cwd: '/' });
      if (which === 'a process that has ended') await end(other, 'SIGKILL');
      const lines = [other.pid, dataDir, 1_700_000_000, 1, '', '127.0.0.1', '  1 1', 'ready', ''];
      writeFileSync(join(dataDir, 'postmaster.pid'), lines.join('\n'));
      try {
        await start();
        expect(other.signalCode).toBe(which === 'a process that has ended' ? 'SIGKILL' : null);
      } finally {
        await end(other, 'SIGKILL');
      }
    },
  );

  it('survives Ctrl-C until the application has stopped it', async () => {
    const { child, next } = await start();
    process.kill(-child.pid!, 'SIGINT'); // the whole group, as a terminal does
    expect(await next()).toEqual({ answered: true });
    await once(child, 'exit');
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
  });

  it('deletes data that are not to be kept, even if the process exits without a stop', async () => {
    const options = { dataDir: join(folder, 'brief'), persistent: false };
    const holder = await start(options);
    expect(existsSync(options.dataDir)).toBe(true);
    await end(holder.child, 'SIGTERM');
    expect(existsSync(options.dataDir)).toBe(false);
    const { child, url } = await start({ ...options, exitsAtOnce: true });
    if (child.exitCode === null) await once(child, 'exit');
    expect(readdirSync(folder).filter((name) => name.startsWith('brief'))).toEqual([]);
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('keeps what it must not delete', async () => {
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'novel.txt'), 'Chapter 1');
    expect((await launch({ dataDir: foreign }).next())!['error']).toMatch('holds files that this package did not make');
    expect(readdirSync(foreign)).toEqual(['novel.txt']);
    await end((await start()).child, 'SIGTERM');
    expect((await launch({ persistent: false }).next())!['error']).toMatch('holds data to be kept');
  });

  (isRoot ? describe : describe.skip)('as root, below a folder that only root can enter', () => {
    it('keeps the data elsewhere, and finds them again', async () => {
      const closed = mkdtempSync(join(folder, 'closed-'));
      const options = { dataDir: join(closed, 'data') };
      const first = await start(options);
      expect(first.dataDir).toMatch(/^\/var\/lib\/prismiq-dev\//);
      try {
        await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS seven');
        await end(first.child, 'SIGTERM');
        const second = await start(options);
        expect(await query(second.url, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
        await end(second.child, 'SIGTERM');
      } finally {
        rmSync(first.dataDir, { recursive: true });
      }
    });

    it('runs a copy of the programs', () => {
      const closed = mkdtempSync(join(folder, 'closed-'));
      const script = `
        import { dirname } from 'node:path';
        import { cpSync, readFileSync, writeFileSync } from 'node:fs';
        import { findAccount } from './src/account.ts';
        import { findPrograms, runnable } from './src/programs.ts';
        const account = await findAccount();
        const original = dirname(dirname(await findPrograms(undefined)));
        cpSync(original, '${closed}/package', { recursive: true, verbatimSymlinks: true });
        writeFileSync('${closed}/package/package.json', '{"name":"postgres-of-a-test","version":"${process.pid}"}');
        console.log(runnable('${closed}/package/native/bin', account));`;
      const cwd = dirname(import.meta.dirname);
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' });
      const bin = `/var/lib/prismiq-dev/postgres-of-a-test-${process.pid}/native/bin`;
      expect(run).toMatchObject({ stderr: '', stdout: `${bin}\n` });
      expect(spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout).toMatch('PostgreSQL');
      rmSync(join(bin, '../..'), { recursive: true });
    });
  });
});
