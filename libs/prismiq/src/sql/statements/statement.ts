import { readCode } from './code.js';
import { readDataLoss } from './data-loss.js';
import { parseSql, type ParsedStatement } from './grammar.js';
import { runsOutsideTransaction } from './outside-transaction.js';
import { reachesFurther, readRelations, type Relation } from './relations.js';
import { readIsRepeatable } from './repeatable.js';
import { readForbiddenReason, readSettingChanges, type SettingChange } from './session-changes.js';
import { getKind, type NodeKind } from './tree.js';

/** A statement, and what follows from its text. */
export interface Statement {
  /** Its text, without the semicolon. */
  readonly sql: string;
  /**
   * The grammar's name for it, such as `IndexStmt` or `DropStmt`. `undefined`: the grammar of PostgreSQL 18 does not know
   * the text, which may be several statements. Then it names no relations, and counts as losing data and as not repeatable.
   */
  readonly kind: NodeKind | undefined;
  /** The relations that it names, also those in the body of a DO block, or of a function that it creates. */
  readonly relations: readonly Relation[];
  /** Whether it may change relations that it does not name: by CASCADE, DROP OWNED, a function, or code that cannot be read. */
  readonly reachesFurther: boolean;
  /** The settings that it changes, also those that a function would that it creates. */
  readonly settings: readonly SettingChange[];
  /** Why it cannot be part of a migration, and what to do instead. */
  readonly forbiddenReason: string | undefined;
  /** How it may lose data. */
  readonly dataLoss: string | undefined;
  /** Whether it may run a second time, with the same result. */
  readonly isRepeatable: boolean;
  /** Whether PostgreSQL refuses it inside of a transaction block, as CREATE INDEX CONCURRENTLY. */
  readonly isConcurrent: boolean;
}

/** More texts are not kept. An application, and a migration of many tenants, sends the same ones again and again. */
const MAX_CACHED_TEXTS = 5000;
/** Longer texts are not kept: they carry data. */
const MAX_CACHED_LENGTH = 100_000;
const cache = new Map<string, readonly Statement[]>();

/**
 * The statements of a text.
 *
 * @param schema of a tenant: texts that differ only in its quoted name are read once
 */
export function readStatements(sql: string, schema?: string): readonly Statement[] {
  const quoted = schema === undefined ? '' : `"${schema.replaceAll('"', '""')}"`;
  return schema === undefined || !sql.includes(quoted) || sql.includes(ANY_SCHEMA)
    ? readCached(sql)
    : readCached(sql.replaceAll(quoted, `"${ANY_SCHEMA}"`)).map((statement) => inSchema(statement, schema, quoted));
}

/** Stands for the name of a tenant's schema. */
const ANY_SCHEMA = 'prismiq any tenant';

function inSchema(statement: Statement, schema: string, quoted: string): Statement {
  return {
    ...statement,
    sql: statement.sql.replaceAll(`"${ANY_SCHEMA}"`, quoted),
    dataLoss: statement.dataLoss?.replaceAll(ANY_SCHEMA, schema),
    relations: statement.relations.map((relation) =>
      relation.schema === ANY_SCHEMA ? { ...relation, schema } : relation,
    ),
  };
}

function readCached(sql: string): readonly Statement[] {
  const known = cache.get(sql);
  if (known !== undefined) {
    return known;
  }
  const statements = readUncached(sql);
  if (sql.length <= MAX_CACHED_LENGTH) {
    if (cache.size >= MAX_CACHED_TEXTS) {
      cache.clear();
    }
    cache.set(sql, statements);
  }
  return statements;
}

function readUncached(sql: string): readonly Statement[] {
  try {
    return parseSql(sql)?.map(analyze) ?? [unknownStatement(sql)];
  } catch (error) {
    // Nested deeper than the call stack.
    if (error instanceof RangeError) {
      return [unknownStatement(sql)];
    }
    throw error;
  }
}

function analyze(parsed: ParsedStatement): Statement {
  const code = readCode(parsed);
  return {
    sql: parsed.sql,
    kind: getKind(parsed.node),
    relations: readRelations(code),
    reachesFurther: reachesFurther(code),
    settings: readSettingChanges(code),
    forbiddenReason: readForbiddenReason(code),
    dataLoss: readDataLoss(code),
    isRepeatable: readIsRepeatable(code),
    isConcurrent: runsOutsideTransaction(parsed.node),
  };
}

const unknownStatement = (sql: string): Statement => ({
  sql: sql.trim(),
  kind: undefined,
  relations: [],
  reachesFurther: true,
  settings: [],
  forbiddenReason: undefined,
  dataLoss: 'it cannot be read with the grammar of PostgreSQL 18',
  isRepeatable: false,
  isConcurrent: false,
});
