import type { DashboardExportInput } from '../documents/export.documents.js';
import { parseDocument } from '../documents/parse-document.js';
import { InvalidDocumentError } from '../errors/record.errors.js';
import type { ImportOptions } from '../repositories/dashboards/import-dashboard.js';
import { importOptionsBody } from './bodies.js';
import { asObject } from './wire.js';

/**
 * Imports the export in a body: in `export_data`, or the body itself (wire contract 4).
 *
 * @param run imports it; paths in its errors are completed to paths in the body
 * @throws InvalidDocumentError
 */
export async function importFrom<T>(
  body: unknown,
  run: (exported: DashboardExportInput, options: ImportOptions) => Promise<T>,
): Promise<T> {
  const { export_data, ...rest } = asObject(body);
  if (export_data === undefined) {
    return run(rest as unknown as DashboardExportInput, {});
  }
  const { name_override, on_conflict } = parseDocument(importOptionsBody, rest);
  const options = { name: name_override ?? undefined, onConflict: on_conflict ?? undefined };
  const exported = asObject(export_data, ['export_data']) as unknown as DashboardExportInput;
  try {
    return await run(exported, options);
  } catch (error) {
    if (error instanceof InvalidDocumentError) {
      const issues = error.issues.map((issue) => ({ ...issue, path: ['export_data', ...issue.path] }));
      throw new InvalidDocumentError(issues, { tenantId: error.tenantId, schema: error.schema, cause: error });
    }
    throw error;
  }
}
