import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { InvalidDocumentError, PreconditionFailedError, StaleVersionError } from '../errors/record.errors.js';
import type { WriteOptions } from '../repositories/lock-record.js';
import { parseVersions } from './entity-tags.js';
import { asObject } from './wire.js';

/** One of these versions must be stored, undefined for any. */
export type ExpectedVersions = readonly number[] | undefined;

/** The versions that the If-Match header of a request names. `*` asks for any version, which every write does anyway. */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): ExpectedVersions => {
  const header = context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders }>().headers['if-match'];
  if (header === undefined) {
    return undefined;
  }
  const versions = parseVersions(header);
  if (versions === undefined) {
    throw new BadRequestException('If-Match must be * or a list of entity tags, such as "3"');
  }
  return versions === '*' ? undefined : versions;
});

/**
 * Reads `version` from a body: the editor sends back everything that it loaded, and with it the version that it read.
 *
 * @throws InvalidDocumentError
 */
export function versionIn(body: unknown): number | undefined {
  const { version } = asObject(body);
  if (version !== undefined && version !== null && !Number.isSafeInteger(version)) {
    const message = 'must be the whole number that was read';
    throw new InvalidDocumentError([{ type: 'invalid_type', path: ['version'], message, input: version }]);
  }
  return (version as number | null | undefined) ?? undefined;
}

/**
 * Writes only if the stored version is one of those in If-Match, and the one in the body.
 *
 * @throws PreconditionFailedError if it is not in If-Match
 * @throws StaleVersionError if it is not the one in the body
 */
export async function writeIf<T>(
  ifMatch: ExpectedVersions,
  inBody: number | undefined,
  write: (options: WriteOptions) => Promise<T>,
): Promise<T> {
  const both = ifMatch !== undefined && inBody !== undefined;
  try {
    return await write({ version: both ? ifMatch.filter((version) => version === inBody) : (ifMatch ?? inBody) });
  } catch (error) {
    if (error instanceof StaleVersionError && ifMatch !== undefined) {
      const { kind, id, current, tenantId, schema } = error;
      throw ifMatch.includes(current)
        ? new StaleVersionError(kind, id, inBody!, current, { tenantId, schema })
        : new PreconditionFailedError(error);
    }
    throw error;
  }
}
