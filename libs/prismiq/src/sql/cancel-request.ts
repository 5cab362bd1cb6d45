import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';

/** The part of a connected `pg` client that says how to cancel its statement. */
export interface CancelableClient {
  readonly host?: string;
  readonly port?: number;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
}

const CANCEL_REQUEST = 80_877_102;

/**
 * Asks the server to cancel the statement that a client waits for, as every driver does: by a connection of its own, which PgBouncer
 * and other poolers pass on. Resolves when the server has done it, or cannot be reached.
 */
export async function sendCancelRequest({ host, port, processID, secretKey }: CancelableClient): Promise<void> {
  if (host === undefined || port === undefined || processID == null || secretKey == null) {
    return;
  }
  const message = Buffer.alloc(16);
  [16, CANCEL_REQUEST, processID, secretKey].forEach((value, index) => message.writeInt32BE(value | 0, index * 4));
  const socket = host.startsWith('/') ? connect(join(host, `.s.PGSQL.${port}`)) : connect(port, host);
  socket.on('error', () => socket.destroy());
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  socket.end(message);
  // The server closes the connection when it has sent the signal.
  socket.resume();
  await once(socket, 'close').catch(() => undefined);
}

const ANSWER_TIMEOUT_MS = 2000;
