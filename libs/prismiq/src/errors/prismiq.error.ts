/** What an error can say about where it happened. */
export interface PrismiqErrorContext {
  /** The tenant for which the statement ran. */
  tenantId?: string | undefined;
  /** The PostgreSQL schema concerned. */
  schema?: string | undefined;
  /** PostgreSQL's five-character SQLSTATE, where the server reported one. */
  sqlState?: string | undefined;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * Base class of every error that Prismiq throws on purpose.
 *
 * It follows the `http-errors` convention (`status`, `statusCode`, `expose`), which the exception filters of Nest, Express and
 * Fastify understand: without a filter of its own, a host's route answers with the right status, and shows the message to
 * the client only where `expose` says that the client may read it.
 *
 * @publicApi
 */
export abstract class PrismiqError extends Error {
  /** Stable and machine-readable, e.g. `TENANT_REQUIRED`. */
  abstract readonly code: string;
  readonly tenantId: string | undefined;
  readonly schema: string | undefined;
  readonly sqlState: string | undefined;

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
}
