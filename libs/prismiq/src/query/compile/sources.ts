import { nearest } from '../../errors/nearest.js';
import { identifier, sql, type SqlFragment } from '../../sql/fragment.js';
import type { ColumnReference, ParsedQuery } from '../definition/parsed-query.js';
import type { NamedTable } from '../expressions/field-names.js';
import { columnSql, tableAlias, type TypedSql, type UsedColumn } from '../expressions/typed-sql.js';
import { refuse } from '../filters/refuse.js';
import { tableSource } from '../visible-schema/table-source.js';
import type { CompileContext } from './compile-context.js';
import type { Issues } from './issues.js';

/** The tables of a query, and which of their columns it uses. */
export class Sources {
  /** In the order of the query. */
  readonly tables: readonly NamedTable[];
  readonly #indexes = new Map<string, number>();
  readonly #used = new Map<number, Set<string>>();
  /** Expressions fail for some values, and a pattern that ends with its escape character fails for texts that match so far. */
  readonly #mayFail: boolean;

  /** @throws InvalidQueryError if a table does not exist: nothing else could be checked */
  constructor(
    query: ParsedQuery,
    private readonly context: CompileContext,
    issues: Issues,
  ) {
    this.#mayFail =
      query.calculatedFields.length > 0 || query.filters.some(({ operator }) => operator.endsWith('like'));
    const visible = context.schema.tables;
    this.tables = query.tables.flatMap(({ id, name, alias }, index) => {
      this.#indexes.set(id, index);
      const table = visible.get(name);
      if (table === undefined) {
        const message = `Table '${name}' not found in schema`;
        const suggestion = nearest(name, [...visible.keys()]);
        issues.add({ code: 'TABLE_NOT_FOUND', message, field: `tables[${index}].name`, suggestion });
      }
      return table === undefined ? [] : [{ id, alias, table }];
    });
    issues.throwIfAny();
  }

  /** The position of a table in the query. Its id is one of the query's: the shape has been checked. */
  indexOf(tableId: string): number {
    return this.#indexes.get(tableId)!;
  }

  tableName(index: number): string {
    return this.tables[index]!.table.name;
  }

  /** @returns undefined if the table has no such column */
  find({ tableId, column }: ColumnReference): TypedSql | undefined {
    const table = this.indexOf(tableId);
    const found = this.tables[table]!.table.columns.get(column);
    return found && columnSql(this.context.schema, { table, column: found });
  }

  /**
   * @param what the beginning of the message, e.g. `Column`
   * @throws InvalidQueryError if the table has no such column
   */
  get(reference: ColumnReference, what: string): TypedSql {
    return this.find(reference) ?? this.refuseColumn(reference, what);
  }

  /** @throws InvalidQueryError always */
  refuseColumn(reference: ColumnReference, what: string): never {
    const { table } = this.tables[this.indexOf(reference.tableId)]!;
    refuse(
      'COLUMN_NOT_FOUND',
      this.missingColumn(reference, what),
      nearest(reference.column, [...table.columns.keys()]),
    );
  }

  missingColumn({ tableId, column }: ColumnReference, what: string): string {
    return `${what} '${column}' not found in table '${this.tableName(this.indexOf(tableId))}'`;
  }

  /** Notes that the query reads what is in an expression. */
  use(value: TypedSql): TypedSql {
    for (const { table, column } of value.columns) {
      this.useTable(table).add(column.name);
    }
    return value;
  }

  /** Notes that the query reads the table, if only to count its rows. */
  useTable(table: number): Set<string> {
    let columns = this.#used.get(table);
    if (columns === undefined) {
      columns = new Set();
      this.#used.set(table, columns);
    }
    return columns;
  }

  /** The positions of the tables that the query reads, in order. A query of constants has the rows of its first table. */
  usedTables(): number[] {
    return this.#used.size === 0 ? [0] : [...this.tables.keys()].filter((table) => this.#used.has(table));
  }

  /** The table with the columns that the query uses, under its alias. */
  from(table: number): SqlFragment {
    return this.fromAs(table, this.#used.get(table) ?? [], tableAlias(table));
  }

  /** The table once more, under another alias. */
  fromAs(index: number, columns: Iterable<string>, alias: string): SqlFragment {
    const { schema, rowRules } = this.context;
    const { table } = this.tables[index]!;
    const rowRule = rowRules.get(table.name);
    if (rowRule === undefined) {
      throw new Error(`The row rule of table ${table.name} was not asked for`);
    }
    return sql`${tableSource({ schema, table, rowRule, columns, isBarrier: this.#mayFail })} AS ${identifier(alias)}`;
  }
}

/** Whether two expressions name the same column. */
export const isSameColumn = (one: UsedColumn, other: UsedColumn): boolean =>
  one.table === other.table && one.column === other.column;
