import { InvalidQueryError } from '../../errors/query.errors.js';
import { sql } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import type { ParsedCalculatedField } from '../definition/parsed-query.js';
import { refuse } from '../filters/refuse.js';
import { compileExpression } from './compile-expression.js';
import type { FieldNames } from './field-names.js';
import { parseExpression } from './parse-expression.js';
import type { TypedSql } from './typed-sql.js';

/** The calculated fields of a query. Each is compiled once, when it is first asked for. */
export class CalculatedFields {
  readonly #fields: ReadonlyMap<string, ParsedCalculatedField>;
  readonly #compiled = new Map<string, TypedSql | InvalidQueryError>();
  /** Those that are being compiled, each on behalf of the one before. */
  readonly #pending: string[] = [];

  constructor(
    fields: readonly ParsedCalculatedField[],
    private readonly names: FieldNames,
    private readonly calendar: Calendar,
  ) {
    this.#fields = new Map(fields.map((field) => [field.name, field]));
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  get fieldNames(): readonly string[] {
    return [...this.#fields.keys()];
  }

  /**
   * @param name of a field that there is
   * @throws InvalidQueryError always the same one for the same fault, also where a field fails because of another
   */
  get(name: string): TypedSql {
    let result = this.#compiled.get(name);
    if (result === undefined) {
      result = this.#compile(name);
      this.#compiled.set(name, result);
    }
    if (result instanceof InvalidQueryError) {
      throw result;
    }
    return result;
  }

  #compile(name: string): TypedSql | InvalidQueryError {
    if (this.#pending.includes(name)) {
      return toFault(name, 'INVALID_EXPRESSION', `refers to itself, through ${[...this.#pending, name].join(', ')}`);
    }
    this.#pending.push(name);
    try {
      const compiled = compileExpression(
        parseExpression(this.#fields.get(name)!.expression),
        (reference) => this.#resolve(reference, name),
        this.calendar,
      );
      return { ...compiled, name, sql: sql`(${compiled.sql})` };
    } catch (error) {
      if (!(error instanceof InvalidQueryError)) {
        throw error;
      }
      if ([...this.#compiled.values()].includes(error)) {
        return error;
      }
      const [{ code, message, suggestion }] = error.issues as [InvalidQueryError['issues'][number]];
      return toFault(name, code, message, suggestion);
    } finally {
      this.#pending.pop();
    }
  }

  /** Inside a field of the same name, a name means the column. */
  #resolve(reference: string, within: string): TypedSql {
    const calculated = (name: string) => (name !== within && this.#fields.has(name) ? this.get(name) : undefined);
    return (
      calculated(reference) ??
      this.names.find(reference, calculated) ??
      refuse('COLUMN_NOT_FOUND', `Column '${reference}' not found`, this.names.suggest(reference))
    );
  }
}

const toFault = (
  name: string,
  code: InvalidQueryError['issues'][number]['code'],
  message: string,
  suggestion?: string,
): InvalidQueryError =>
  new InvalidQueryError([{ code, message: `Calculated field '${name}': ${message}`, suggestion }]);
