import { MigrationFailedError } from '@prismiq/nestjs';
import { classifyError, type ErrorClass } from '../src/migrator/run/classify-error.js';

/** An error as `pg` throws it: with the SQLSTATE or Node's code, or with neither. */
const thrown = (code: string | undefined, message = 'something failed'): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

const failed = (cause: Error, sqlState: string): Error =>
  new MigrationFailedError('host:0001', cause.message, { schema: 'acme', sqlState, cause });

describe('classifyError', () => {
  it.each<[string, unknown, ErrorClass]>([
    [
      'another session has the lock',
      thrown('22P02', 'invalid input syntax for type integer: "prismiq: locked"'),
      'locked',
    ],
    [
      'a history has changed',
      thrown('22P02', 'invalid input syntax for type integer: "prismiq: changed 3"'),
      'changed',
    ],
    ['another process has made the schema', thrown('42P06'), 'changed'],
    ['the text of an assertion in a message of a migration', thrown('22P02', 'about prismiq: locked'), 'refused'],
    ['lock_timeout', thrown('55P03'), 'transient'],
    ['a deadlock', thrown('40P01'), 'transient'],
    ['a serialization failure', thrown('40001'), 'transient'],
    ['a lock time-out of a migration', failed(thrown('55P03'), '55P03'), 'transient'],
    ['the server shuts down', thrown('57P01'), 'connection-lost'],
    ['PgBouncer has lost the server', thrown('08P01', 'server conn crashed?'), 'connection-lost'],
    ['the connection is reset', thrown('ECONNRESET'), 'connection-lost'],
    ['a broken pipe', thrown('EPIPE'), 'connection-lost'],
    ['the connection ends', thrown(undefined, 'Connection terminated unexpectedly'), 'connection-lost'],
    [
      'a connection that ended before',
      thrown(undefined, 'Client has encountered a connection error'),
      'connection-lost',
    ],
    ['a time-out of the driver', thrown(undefined, 'Query read timeout'), 'connection-lost'],
    ['the connection ends in a migration', failed(thrown('57P01'), '57P01'), 'connection-lost'],
    ['a syntax error', thrown('42601'), 'refused'],
    ['a unique violation', thrown('23505'), 'refused'],
    ['a statement time-out', thrown('57014'), 'refused'],
    ['no server', thrown('ECONNREFUSED'), 'final'],
    ['a file that is missing', thrown('ENOENT'), 'final'],
    ['a bug in a migration', new TypeError('x is not a function'), 'final'],
    ['a named statement of a migration', failed(thrown('42601'), '42601'), 'final'],
    ['something that is no error', 'text', 'final'],
    ['nothing', undefined, 'final'],
  ])('such as that %s', (_what, error, expected) => {
    expect(classifyError(error)).toBe(expected);
  });
});
