import { nearest } from '../../errors/nearest.js';
import type { Aggregation } from '../definition/parsed-query.js';
import { refuse } from '../filters/refuse.js';
import type { VisibleSchema, VisibleTable } from '../visible-schema/visible-schema.js';
import { aggregate } from './aggregates.js';
import { columnSql, type TypedSql } from './typed-sql.js';

/** A table of the query under the names by which an expression may call it. */
export interface NamedTable {
  readonly id: string;
  readonly alias: string | undefined;
  readonly table: VisibleTable;
}

const AGGREGATES: Record<string, Aggregation> = {
  Sum: 'sum',
  Average: 'avg',
  Count: 'count',
  'Count Distinct': 'count_distinct',
  Min: 'min',
  Max: 'max',
};

const AGGREGATE_OF = /^(Sum|Average|Count|Count Distinct|Min|Max) of (.+)$/s;

/** Finds the columns that an expression names in brackets. */
export class FieldNames {
  constructor(
    private readonly schema: VisibleSchema,
    /** The first one is asked first. */
    private readonly tables: readonly NamedTable[],
  ) {}

  /**
   * A column of the first table, or of the only table that has it; of a named table; or an aggregate such as `Sum of total`.
   *
   * @param calculated finds what an aggregate may mean as well
   * @returns undefined if there is none
   * @throws InvalidQueryError if there are several
   */
  find(name: string, calculated: (name: string) => TypedSql | undefined): TypedSql | undefined {
    const column = this.#unqualified(name) ?? this.#qualified(name);
    if (column !== undefined) {
      return column;
    }
    const [, aggregation, operandName] = AGGREGATE_OF.exec(name) ?? [];
    if (aggregation === undefined || operandName === undefined) {
      return undefined;
    }
    const operand = calculated(operandName) ?? this.#unqualified(operandName) ?? this.#qualified(operandName);
    return operand && aggregate(AGGREGATES[aggregation]!, operand);
  }

  suggest(name: string): string | undefined {
    return nearest(name, [...new Set(this.tables.flatMap(({ table }) => [...table.columns.keys()]))]);
  }

  #unqualified(name: string): TypedSql | undefined {
    if (this.tables[0]?.table.columns.has(name) === true) {
      return this.#column(0, name);
    }
    const having = [...this.tables.keys()].filter((index) => this.tables[index]!.table.columns.has(name));
    if (having.length > 1) {
      refuse('AMBIGUOUS_COLUMN', `Column '${name}' is in several tables; write [table.${name}]`);
    }
    return having.length === 0 ? undefined : this.#column(having[0]!, name);
  }

  /** Split at the first dot: by alias, else by name, else by id. */
  #qualified(name: string): TypedSql | undefined {
    const dot = name.indexOf('.');
    if (dot < 0) {
      return undefined;
    }
    const [qualifier, column] = [name.slice(0, dot), name.slice(dot + 1)];
    const ways: ((table: NamedTable) => boolean)[] = [
      ({ alias }) => alias === qualifier,
      ({ table }) => table.name === qualifier,
      ({ id }) => id === qualifier,
    ];
    for (const isMeant of ways) {
      const meant = [...this.tables.keys()].filter((index) => isMeant(this.tables[index]!));
      if (meant.length > 1) {
        refuse('AMBIGUOUS_COLUMN', `'${qualifier}' means several tables; give them aliases`);
      }
      if (meant.length === 1) {
        return this.#column(meant[0]!, column);
      }
    }
    return undefined;
  }

  #column(table: number, name: string): TypedSql | undefined {
    const column = this.tables[table]!.table.columns.get(name);
    return column && columnSql(this.schema, { table, column });
  }
}
