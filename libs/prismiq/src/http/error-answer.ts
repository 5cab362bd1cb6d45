import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { PrismiqError } from '../errors/prismiq.error.js';
import { QueryFailedError } from '../errors/query-run.errors.js';
import {
  InvalidDocumentError,
  PreconditionFailedError,
  StaleVersionError,
  type DocumentIssue,
} from '../errors/record.errors.js';
import { toWirePath } from './wire.js';

/** A fault of the input, as Prismiq's client shows it. */
interface Fault {
  type: string;
  loc: (string | number)[];
  msg: string;
  input: unknown;
}

export interface ErrorBody {
  /** A text or, for status 422, the faults: Prismiq's client shows both. */
  detail: string | Fault[];
  code?: string;
  /** The stored version, if another one was expected. */
  current_version?: number;
  /** Identifies a fault of the server in its log. */
  request_id?: string;
}

export interface ErrorAnswer {
  status: number;
  /** `undefined` for 304. */
  body: ErrorBody | undefined;
}

const MAX_INPUT = 100;

/** Members whose values are not repeated in an answer, where logs might keep them. */
const SECRET = /password|passwd|secret|token|credential|api_?key|authorization|private_?key|raw_sql/i;

/**
 * The answer to a fault of the client.
 *
 * @param method of the request; the faults of a GET are those of its query string
 * @returns `undefined` if the fault is the server's
 */
export function answerTo(error: unknown, method: string): ErrorAnswer | undefined {
  if (error instanceof InvalidDocumentError) {
    const place = ['GET', 'HEAD'].includes(method) ? 'query' : 'body';
    const detail = error.issues.map((issue) => toFault(issue, place));
    return { status: error.statusCode, body: { detail, code: error.code } };
  }
  if (error instanceof PrismiqError && (error.statusCode < 500 || error.expose)) {
    const isStale = error instanceof StaleVersionError || error instanceof PreconditionFailedError;
    const version = isStale ? { current_version: error.current } : {};
    return { status: error.statusCode, body: { detail: error.clientMessage, code: error.code, ...version } };
  }
  if (error instanceof HttpException) {
    const status = error.getStatus();
    if (status === 304) {
      return { status, body: undefined };
    }
    // The message of a 501 is about a missing feature, not about the server's internals.
    return status < 500 || status === 501 ? { status, body: { detail: toMessage(error) } } : undefined;
  }
  return undefined;
}

/** The answer to a fault of the server: an id to ask about, and nothing of the error. */
export function answerToFailure(error: unknown, request_id: string): ErrorAnswer {
  const status =
    error instanceof HttpException ? error.getStatus() : error instanceof PrismiqError ? error.statusCode : 500;
  const detail =
    error instanceof QueryFailedError
      ? `Query failed (ref: ${request_id})`
      : error instanceof PrismiqError
        ? error.clientMessage
        : (STATUS_CODES[status] ?? 'Error');
  return { status, body: { detail, request_id } };
}

/** The exception of a host's pipe or guard may have a list of messages. */
function toMessage(error: HttpException): string {
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
