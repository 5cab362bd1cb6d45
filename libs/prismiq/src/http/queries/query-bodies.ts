import { z } from 'zod';
import { dashboardFilter } from '../../documents/dashboard.documents.js';
import { list } from '../../documents/list.js';
import { parseDocument } from '../../documents/parse-document.js';
import { queryDefinition, type QueryDefinition } from '../../documents/query.documents.js';
import { text } from '../../documents/text.js';
import { InvalidDocumentError } from '../../errors/record.errors.js';
import { asObject } from '../wire.js';

const MAX_LIMIT = 10_000;
const DEFAULT_PREVIEW = 100;

/** The query string of a sample. */
export const sampleQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(5).describe('At most so many; 5 by default.'),
});

/** The query string of a preview. */
export const previewQuery = z.object({
  limit: z.coerce.number().int().min(0).max(MAX_LIMIT).optional().describe('At most so many rows; 100 by default.'),
});

const executeOptions = z.object({
  bypass_cache: z.boolean().nullish().describe('Whether to run the query even if its result is cached.'),
});

export const executeBody = executeOptions.extend({ query: queryDefinition });

const previewOptions = z.object({ limit: z.int().min(0).nullish() });

export const previewBody = previewOptions.extend({ query: queryDefinition });

const timeSeriesOptions = z.object({
  interval: text(),
  date_column: text().describe('Of the first table that has it.'),
  fill_missing: z.boolean().nullish().describe('True by default.'),
});

export const timeSeriesBody = timeSeriesOptions.extend({ query: queryDefinition });

export const validateSqlBody = z.object({ sql: text() });

export const filterValues = list(z.object({ filter_id: text(), value: z.unknown().optional() }));

export const executeSqlBody = z.object({
  sql: text(),
  params: z.record(z.string(), z.unknown()).nullish().describe('The values of `:name` in the text.'),
  dashboard_filters: list(dashboardFilter).nullish(),
  filter_values: filterValues.nullish(),
});

/** A query, and where it stands in the body. */
export interface QueryInBody {
  readonly query: QueryDefinition;
  readonly path: readonly string[];
}

/** Prismiq's client sends a query by itself to some routes, and below `query` to others: all take both. */
function readQuery(body: unknown): QueryInBody {
  const object = asObject(body);
  return 'query' in object && !('tables' in object)
    ? { query: object['query'] as QueryDefinition, path: ['query'] }
    : { query: object as unknown as QueryDefinition, path: [] };
}

export function readExecuteBody(body: unknown): QueryInBody & { bypassCache: boolean } {
  const inBody = readQuery(body);
  const { bypass_cache } = parseDocument(executeOptions, inBody.path.length === 0 ? {} : body);
  return { ...inBody, bypassCache: bypass_cache ?? false };
}

export function readPreviewBody(body: unknown, query: unknown): QueryInBody & { limit: number } {
  const inBody = readQuery(body);
  const { limit = DEFAULT_PREVIEW } = parseDocument(previewQuery, query ?? {});
  const { limit: own } = parseDocument(previewOptions, inBody.path.length === 0 ? {} : body);
  return { ...inBody, limit: Math.min(limit, own ?? limit) };
}

/** Runs what checks the query, whose faults then name their place in the body. */
export async function locating<T>({ path }: QueryInBody, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof InvalidDocumentError
      ? new InvalidDocumentError(
          error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })),
          { tenantId: error.tenantId, schema: error.schema, cause: error },
        )
      : error;
  }
}

/** A time series over the whole of a query. */
export function readTimeSeriesBody(
  body: unknown,
): QueryInBody & { interval: string; dateColumn: string; fillMissing: boolean } {
  const { interval, date_column, fill_missing } = parseDocument(timeSeriesOptions, asObject(body));
  return { ...readQuery(body), interval, dateColumn: date_column, fillMissing: fill_missing ?? true };
}
