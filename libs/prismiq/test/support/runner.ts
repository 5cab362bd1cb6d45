import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { MigrationEvent, MigrationReport } from '@prismiq/nestjs';

const SCRIPT = join(import.meta.dirname, 'fleet-process.mjs');

/** A migration as it is sent to another process. */
export interface SentMigration {
  name: string;
  up: string[];
  down?: string[];
  transactional?: boolean;
}

export interface RunnerSettings {
  url: string;
  /** The `application_name` of its connections. */
  name: string;
  schemas: string[];
  migrations: SentMigration[];
}

export type RunnerMessage = MigrationEvent | { type: 'ready' } | { type: 'ended'; error?: string };

/** A process that migrates a fleet. */
export class Runner {
  /** Emits `message`. */
  readonly messages = new EventEmitter<{ message: [RunnerMessage] }>();
  readonly #ready: Promise<unknown>;
  readonly #exit: Promise<unknown>;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    this.#exit = once(child, 'exit');
    createInterface({ input: child.stdout! }).on('line', (line) =>
      this.messages.emit('message', JSON.parse(line) as RunnerMessage),
    );
    this.#ready = once(this.messages, 'message');
  }

  static start(settings: RunnerSettings): Runner {
    const child = spawn(process.execPath, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(settings)}\n`);
    return new Runner(settings.name, child);
  }

  /**
   * Runs once.
   *
   * @returns its report, and what it has said; without a report it was killed, or the run was rejected
   */
  async run(
    command: { direction: 'up' } | { direction: 'down'; to: string },
    onMessage: (message: RunnerMessage) => void = () => undefined,
  ): Promise<{ report: MigrationReport | undefined; events: MigrationEvent[]; error: string | undefined }> {
    await this.#ready;
    const events: MigrationEvent[] = [];
    let report: MigrationReport | undefined;
    let error: string | undefined;
    const ended = new Promise<void>((resolve) => {
      const listen = (message: RunnerMessage) => {
        if (message.type === 'ended') {
          error = message.error;
          this.messages.off('message', listen);
          resolve();
        } else if (message.type !== 'ready') {
          events.push(message);
          report = message.type === 'run-finished' ? message.report : report;
        }
        onMessage(message);
      };
      this.messages.on('message', listen);
    });
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
    await Promise.race([ended, this.#exit]);
    return { report, events, error };
  }

  /** `kill -9` */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exit;
  }

  async end(): Promise<void> {
    this.child.stdin!.end();
    await this.#exit;
  }
}
