import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * A connection that is kept, for one request at a time: as little of a client as can be, so that it is the server that is
 * measured.
 */
export class HttpConnection {
  #socket;
  #received = Buffer.alloc(0);
  #waiting;

  static async open(port) {
    const connection = new HttpConnection();
    connection.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    connection.#socket.on('data', (chunk) => connection.#receive(chunk));
    connection.#socket.on('close', () => connection.#waiting?.reject(new Error('The server closed the connection')));
    await new Promise((resolve, reject) => connection.#socket.once('connect', resolve).once('error', reject));
    return connection;
  }

  /** @returns {Promise<{ status: number, body: Buffer }>} */
  send(method, path, headers, body = '') {
    if (this.#socket.readyState !== 'open') {
      throw new Error('The server closed the connection');
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}${length}\r\n${body}`);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  /** The servers measured say how long an answer is. */
  #receive(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) {
      return;
    }
    const head = this.#received.toString('latin1', 0, headEnd);
    const end = headEnd + HEAD_END.length + Number(/\r\ncontent-length: (\d+)/i.exec(head)[1]);
    if (this.#received.length >= end) {
      const body = this.#received.subarray(headEnd + HEAD_END.length, end);
      this.#received = Buffer.alloc(0);
      this.#waiting.resolve({ status: Number(head.slice(9, 12)), body });
    }
  }
}
