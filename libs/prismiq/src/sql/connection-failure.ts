import { getSqlState } from './sql-state.js';

/** Codes of Node that only a socket, or looking up its address, reports. */
const NETWORK_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Texts of `pg` and `pg-pool`, which have no code. */
const CANNOT_CONNECT =
  /^(timeout exceeded when trying to connect|Connection terminated due to connection timeout|The server does not support SSL connections|Cannot use a pool after calling end)/;
const WAS_LOST = /^(Connection terminated|Client (has encountered a connection error|was closed))/;

const CHECK = 'Check that the server runs, and the host, port, user, password and database of the connection';
const OUTCOME = 'A statement that was under way may have been carried out. Try again';

/** By SQLSTATE, or its beginning: what the server says when it refuses a connection or ends it. */
const BY_SQLSTATE: [start: string, problem: string, advice: string][] = [
  ['28', 'The database refused the login', 'Check the user and password, and pg_hba.conf'],
  ['3D000', 'The database does not exist', 'Check the database of the connection, or create it'],
  ['53300', 'The server has no connection left', 'Raise max_connections, or make the pools smaller'],
  ['57P03', 'The server does not accept connections yet', 'It is starting, stopping or recovering: try again'],
  ['57P04', 'The database was dropped', 'Check the database of the connection'],
  ['57P05', 'The server ended the session', 'Its idle_session_timeout should be longer than the idle time of the pool'],
  ['25P03', 'The server ended the session', 'Its idle_in_transaction_session_timeout is too short. Try again'],
  ['25P04', 'The server ended the session', 'Its transaction_timeout is too short. Try again'],
  ['57P', 'The server ended the connection', OUTCOME],
  ['08', 'The connection to the database failed', OUTCOME],
];

/** Says what happened to the connection and what to do, if that is what an error is about. */
export function connectionFailure(error: Error): string | undefined {
  const sqlState = getSqlState(error);
  if (sqlState !== undefined) {
    const [, problem, advice] = BY_SQLSTATE.find(([start]) => sqlState.startsWith(start)) ?? [];
    return problem === undefined ? undefined : `${problem}: ${error.message}. ${advice}.`;
  }
  const { code, message } = networkError(error);
  if (code === undefined ? CANNOT_CONNECT.test(message) : code !== 'ECONNRESET' && code !== 'EPIPE') {
    return `Cannot reach the database: ${message}. ${CHECK}.`;
  }
  return code !== undefined || WAS_LOST.test(message)
    ? `The connection to the database was lost: ${message}. ${OUTCOME}.`
    : undefined;
}

interface NodeError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message: string;
  readonly errors?: NodeError[];
}

/** Node reports a host with several addresses as an AggregateError. */
function networkError(error: NodeError): { code: string | undefined; message: string } {
  const { code, syscall, message, errors } = error;
  if (typeof code === 'string') {
    // A Unix socket that is missing, or may not be used: with another system call it is about a file.
    const isNetwork = NETWORK_ERRORS.has(code) || (/^(ENOENT|EPERM|EACCES)$/.test(code) && syscall === 'connect');
    return { code: isNetwork ? code : undefined, message: message || code };
  }
  return errors?.[0] === undefined ? { code: undefined, message } : networkError(errors[0]);
}
