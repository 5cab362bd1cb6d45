import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { PrismiqError } from '../errors/prismiq.error.js';
import {
  InvalidDocumentError,
  PreconditionFailedError,
  StaleVersionError,
  type DocumentIssue,
} from '../errors/record.errors.js';
import { toWirePath } from './wire.js';

/** A fault of what was sent, as Prismiq's client shows it. */
interface Fault {
  type: string;
  loc: (string | number)[];
  msg: string;
  input: unknown;
}

export interface ErrorBody {
  /** What Prismiq's client shows: a text or, for status 422, the faults. */
  detail: string | Fault[];
  code?: string;
  /** The version that is stored, where another one was expected. */
  current_version?: number;
  /** What to ask with about an error that is the server's. */
  request_id?: string;
}

export interface ErrorAnswer {
  status: number;
  /** Nothing for 304. */
  body: ErrorBody | undefined;
}

const MAX_INPUT = 100;

/** What is entered there is shown to nobody, and kept in no log of errors. */
const SECRET = /password|passwd|secret|token|credential|api_?key|authorization|private_?key|raw_sql/i;

/** What the client reads where a message is for the host's developer. */
const UNEXPOSED: Record<number, string> = { 400: 'The request belongs to no valid tenant', 404: 'Unknown tenant' };

/**
 * The answer to an error that the client is to know of.
 *
 * @param method of the request: a fault of a GET is one of its query string
 * @returns nothing for one that is the server's
 */
export function answerTo(error: unknown, method: string): ErrorAnswer | undefined {
  if (error instanceof InvalidDocumentError) {
    const place = ['GET', 'HEAD'].includes(method) ? 'query' : 'body';
    const detail = error.issues.map((issue) => toFault(issue, place));
    return { status: error.statusCode, body: { detail, code: error.code } };
  }
  if (error instanceof PrismiqError && error.statusCode < 500) {
    const detail = error.expose ? error.message : (UNEXPOSED[error.statusCode] ?? textOf(error.statusCode));
    const isStale = error instanceof StaleVersionError || error instanceof PreconditionFailedError;
    const version = isStale ? { current_version: error.current } : {};
    return { status: error.statusCode, body: { detail, code: error.code, ...version } };
  }
  if (error instanceof HttpException) {
    const status = error.getStatus();
    if (status === 304) {
      return { status, body: undefined };
    }
    // 501 says what the server cannot do, and nothing of its inside.
    return status < 500 || status === 501 ? { status, body: { detail: messageOf(error) } } : undefined;
  }
  return undefined;
}

/** The answer to an error that is the server's: a number with which to ask, and nothing else. */
export function answerToFailure(error: unknown, request_id: string): ErrorAnswer {
  const given = error instanceof HttpException ? error.getStatus() : error instanceof PrismiqError && error.statusCode;
  const status = given || 500;
  const detail = status === 503 ? 'The service is not available at the moment' : textOf(status);
  return { status, body: { detail, request_id } };
}

const textOf = (status: number): string => STATUS_CODES[status] ?? 'Error';

/** A host's pipe or guard may have a list of messages. */
function messageOf(error: HttpException): string {
  const response = error.getResponse();
  const message: unknown = typeof response === 'object' ? (response as { message?: unknown }).message : response;
  return Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : error.message;
}

const toFault = ({ type, path, message, input }: DocumentIssue, place: string): Fault => ({
  type,
  loc: [place, ...toWirePath(path)],
  msg: message,
  input: path.some((key) => SECRET.test(String(key))) ? null : small(input),
});

/** Enough to recognise what was sent: a document would make the answer as large as the request. */
function small(input: unknown): unknown {
  if (typeof input === 'string' && input.length > MAX_INPUT) {
    return `${input.slice(0, MAX_INPUT).toWellFormed()}…`;
  }
  return typeof input === 'object' || input === undefined ? null : input;
}
