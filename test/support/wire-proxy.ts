import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What happens to a message to the server: it is lost, or it arrives and nothing comes back any more. */
export type Fate = 'lost' | 'unanswered';

/** The position of the type in a ReadyForQuery message, counted from the end. */
const READY_FOR_QUERY = -6;

const FIELDS = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';
/** An ErrorResponse message. */
const TERMINATED = Buffer.from(`E\0\0\0${String.fromCharCode(FIELDS.length + 4)}${FIELDS}`, 'latin1');

/** Stands between clients and the server, as a network that loses messages does. */
export class WireProxy implements AsyncDisposable {
  /** A text in the server's answers, and another of the same length in its place. */
  replace: [text: string, other: string] | undefined;
  #next: { text: RegExp; fate: Fate } | undefined;
  #endsNext = false;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.serve(client));

  private constructor(private readonly target: URL) {}

  static async start(url: string): Promise<WireProxy> {
    const proxy = new WireProxy(new URL(url));
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return Object.assign(new URL(this.target), { hostname: '127.0.0.1', port: String(port) }).href;
  }

  /** Lets the next message fail that a client sends with this text. */
  failOnce(text: RegExp, fate: Fate): void {
    this.#next = { text, fate };
  }

  /** Lets the server end the next connection at once: the client learns of it together with the success of its connect. */
  endNextConnection(): void {
    this.#endsNext = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sockets.forEach((socket) => socket.destroy());
    this.#server.close();
    await once(this.#server, 'close');
  }

  private serve(client: Socket): void {
    const server = connect(Number(this.target.port || 5432), this.target.hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => other.destroy());
    }
    let isMute = false;
    client.on('data', (data) => {
      const fate = this.decideFate(data);
      isMute ||= fate === 'unanswered';
      if (fate !== 'lost') {
        server.write(data);
      }
    });
    server.on('data', (data) => {
      if (this.#endsNext && data.at(READY_FOR_QUERY) === 'Z'.charCodeAt(0)) {
        this.#endsNext = false;
        client.end(Buffer.concat([data, TERMINATED]));
      } else if (!isMute) {
        client.write(this.replaced(data));
      }
    });
  }

  private replaced(data: Buffer): Buffer {
    return this.replace === undefined
      ? data
      : Buffer.from(data.toString('latin1').replaceAll(...this.replace), 'latin1');
  }

  private decideFate(data: Buffer): Fate | undefined {
    if (this.#next?.text.test(data.toString('latin1')) !== true) {
      return undefined;
    }
    const { fate } = this.#next;
    this.#next = undefined;
    return fate;
  }
}
