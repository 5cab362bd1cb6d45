import { fork, spawn as spawnChild, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { spawn as spawnTerminal, type IPty } from '@lydell/node-pty';
import type { TestDatabase } from '../../../../test/support/test-database.js';

const BIN = join(process.cwd(), 'libs/prismiq/bin/prismiq.js');

const RUNNER = join(import.meta.dirname, 'command-runner.mjs');

export interface RunOptions {
  env?: Record<string, string>;
  folder?: string;
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** What `--json` wrote. */
  events: ({ type: string } & Record<string, any>)[];
}

function toResult(args: readonly string[], result: Omit<CommandResult, 'events'>): CommandResult {
  const lines = args.includes('--json') ? result.stdout.split('\n').filter(Boolean) : [];
  return { ...result, events: lines.map((line) => JSON.parse(line)) };
}

/** The folder of a host in which the command is run, as it is built. */
export class CommandHost {
  private constructor(
    readonly folder: string,
    readonly database: TestDatabase,
  ) {}

  static async create(database: TestDatabase): Promise<CommandHost> {
    const host = new CommandHost(join(process.cwd(), '.data', `cli-${database.name}`), database);
    await host.write('package.json', '{ "type": "module" }');
    return host;
  }

  async write(name: string, content: string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  /** Removes a file, or at the end everything, terminals of a test that has failed included. */
  async remove(name = '.'): Promise<void> {
    if (name === '.') {
      this.#terminals.forEach((terminal) => terminal.hangUp());
      this.#runner?.kill();
    }
    await rm(join(this.folder, name), { recursive: true });
  }

  /** Of the machine's environment only what a process needs: CI and FORCE_COLOR would change what is under test. */
  private env(env: Record<string, string>): Record<string, string> {
    return { PATH: process.env['PATH']!, HOME: this.folder, DATABASE_URL: this.database.url, ...env };
  }

  /** Runs the command as a script would, with pipes, in a process that stays for the next time: its start costs more than a run. */
  async run(args: string[], { env = {}, folder = '.' }: RunOptions = {}): Promise<CommandResult> {
    const answer = this.#last.then(async () => {
      this.#runner ??= fork(RUNNER, [this.folder], { env: this.env({}), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
      this.#runner.send({ args, env: this.env(env), folder: join(this.folder, folder) });
      const [message] = (await once(this.#runner, 'message')) as [Omit<CommandResult, 'events'>];
      return toResult(args, message);
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  #runner: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the command in a process of its own. */
  spawn(args: string[], options: RunOptions = {}): Promise<CommandResult> {
    return this.start(args, options).result;
  }

  /** Starts the command, to signal it while it works. */
  start(args: string[], { env = {}, folder = '.' }: RunOptions = {}) {
    const child = spawnChild(process.execPath, [BIN, ...args], {
      cwd: join(this.folder, folder),
      env: this.env(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        text[stream] += chunk;
      });
    }
    const result = once(child, 'close').then(([code]: (number | null)[]) =>
      toResult(args, { code: code ?? null, ...text }),
    );
    return { child, text, result };
  }

  /** Runs the command in a terminal, as a person would. */
  terminal(args: string[], { env = {} }: { env?: Record<string, string> } = {}): Terminal {
    const pty = spawnTerminal(process.execPath, [BIN, ...args], {
      cwd: this.folder,
      env: this.env({ TERM: 'xterm-256color', ...env }),
      cols: 120,
      rows: 40,
    });
    const terminal = new Terminal(pty);
    this.#terminals.push(terminal);
    return terminal;
  }

  readonly #terminals: Terminal[] = [];
}

export class Terminal {
  /** All that was written to it, with control characters. */
  output = '';
  readonly exitCode: Promise<number>;

  constructor(private readonly pty: IPty) {
    pty.onData((chunk) => {
      this.output += chunk;
    });
    this.exitCode = new Promise((resolve) => {
      pty.onExit(({ exitCode }) => {
        this.#hasExited = true;
        resolve(exitCode);
      });
    });
  }

  #hasExited = false;

  hangUp(): void {
    if (!this.#hasExited) {
      this.pty.kill('SIGKILL');
    }
  }

  type(keys: string): void {
    this.pty.write(keys);
  }

  /** Waits until the output matches. */
  async shows(pattern: RegExp, patienceMs = 30_000): Promise<void> {
    const end = performance.now() + patienceMs;
    while (!pattern.test(this.output)) {
      if (performance.now() > end) {
        throw new Error(`The terminal does not show ${pattern}:\n${JSON.stringify(this.output)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** What a person sees at last: each line as it was last drawn. */
  get screen(): string {
    return this.output
      .split('\n')
      .map((line) => stripVTControlCharacters(line).replace(/\r$/, '').split('\r').at(-1))
      .join('\n');
  }
}
