import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** What happens to the connection on which a COMMIT is sent: PostgreSQL does not get it, or the client does not get the answer. */
export type Loss = 'request' | 'answer';

/** Stands between a client and PostgreSQL, and loses connections at the moment of a COMMIT. */
export class LossyProxy {
  /** The losses to come, one for each COMMIT; `undefined`: it goes well. */
  readonly losses: (Loss | undefined)[] = [];
  lost = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<LossyProxy> {
    const target = new URL(databaseUrl);
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(Number(target.port || 5432), target.hostname);
      const end = (): void => void [client, upstream].forEach((socket) => socket.destroy());
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', end).on('close', () => {
          sockets.delete(socket);
          end();
        });
      }
      let losesAnswer = false;
      client.on('data', (data) => {
        const loss = /\bCOMMIT\b/.test(data.toString('latin1')) ? proxy.losses.shift() : undefined;
        proxy.lost += loss === undefined ? 0 : 1;
        if (loss === 'request') return end();
        losesAnswer ||= loss === 'answer';
        upstream.write(data);
      });
      upstream.on('data', (data) => {
        // The whole answer has to be there: before, PostgreSQL may still be at work.
        if (!losesAnswer) client.write(data);
        else if (data.at(-6) === 'Z'.charCodeAt(0)) end();
      });
    });
    server.on('close', () => sockets.forEach((socket) => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    const proxy = new LossyProxy(server, url.href);
    return proxy;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}
