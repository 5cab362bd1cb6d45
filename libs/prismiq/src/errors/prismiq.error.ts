import { STATUS_CODES } from 'node:http';

/** Where an error happened, and why. */
export interface PrismiqErrorContext {
  /** The tenant for which the statement ran. */
  tenantId?: string | undefined;
  /** The PostgreSQL schema concerned. */
  schema?: string | undefined;
  /** PostgreSQL's five-character SQLSTATE, if the server reported one. */
  sqlState?: string | undefined;
  /** The underlying error. */
  cause?: unknown;
}

/** Texts for clients, in place of messages for the host's developers. */
const CLIENT_MESSAGES: Record<number, string> = {
  400: 'The request belongs to no valid tenant',
  404: 'Unknown tenant',
  503: 'The service is not available at the moment',
};

/**
 * Base class of every error that Prismiq throws on purpose.
 *
 * It follows two conventions, so that a host needs no filter for the right status: that of `http-errors` (`status`, `statusCode`,
 * `expose`), which the exception filters of Nest, Express and Fastify understand, and the `extensions` of GraphQL. GraphQL servers
 * ignore `expose` and send the message as it is: {@link PrismiqErrorFilter} replaces it by `clientMessage`.
 *
 * @publicApi
 */
export abstract class PrismiqError extends Error {
  /** Stable and machine-readable, e.g. `TENANT_REQUIRED`. */
  abstract readonly code: string;
  readonly tenantId: string | undefined;
  readonly schema: string | undefined;
  readonly sqlState: string | undefined;
  /** Seconds after which a retry is worthwhile, undefined if unknown. REST answers carry it as `Retry-After`. */
  readonly retryAfterSeconds: number | undefined = undefined;

  /**
   * @param message says what is wrong and what to do next
   * @param statusCode the HTTP status that fits
   * @param expose whether a client may read the message
   */
  protected constructor(
    message: string,
    readonly statusCode: number,
    readonly expose: boolean,
    context: PrismiqErrorContext = {},
  ) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.tenantId = context.tenantId;
    this.schema = context.schema;
    this.sqlState = context.sqlState;
  }

  /** Same as `statusCode`: the `http-errors` convention asks for both. */
  get status(): number {
    return this.statusCode;
  }

  /** The message if `expose` is true, otherwise a general text that fits the status. */
  get clientMessage(): string {
    return this.expose ? this.message : (CLIENT_MESSAGES[this.statusCode] ?? STATUS_CODES[this.statusCode] ?? 'Error');
  }

  /**
   * What a GraphQL server sends with the message: `code` and the HTTP `status`. A server error that is not exposed has the code
   * that GraphQL servers give to unknown errors.
   */
  get extensions(): { code: string; status: number } {
    const isSecret = this.statusCode >= 500 && !this.expose;
    return { code: isSecret ? 'INTERNAL_SERVER_ERROR' : this.code, status: this.statusCode };
  }
}
