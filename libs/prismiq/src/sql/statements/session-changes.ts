import type { FuncCall, Node, RangeVar } from 'libpg-query';
import type { Code } from './code.js';
import { builtinName, functionCalls } from './function-calls.js';
import { byKind, toStrings, walk, type ByKind } from './tree.js';

/** A value in a statement, as far as the text tells it; booleans as PostgreSQL writes them. */
export type SqlValue = { readonly constant: string } | { readonly parameter: number } | undefined;

/** A setting that a statement changes, by SET or by set_config(). */
export interface SettingChange {
  readonly name: SqlValue;
  /** Whether it ends with the transaction. */
  readonly isLocal: SqlValue;
}

const TRANSACTION = 'it begins or ends a transaction, but each tenant is migrated in one; leave it out';
const PREPARED = 'statements that are prepared for the session do not pass through a pooler; send the statement itself';
const SESSION = 'it changes the session, which behind a pooler also serves other tenants; leave it out';
const SETTING = `${SESSION.split(';')[0]!}; use SET LOCAL, or set_config(…, …, true)`;
const LOCK = 'its lock belongs to the session and outlives the transaction; use pg_advisory_xact_lock';
const TEMPORARY =
  'what it creates is temporary and outlives the transaction, and then hides the tables of the next tenant on that connection; ' +
  'use CREATE TEMP TABLE … ON COMMIT DROP';

const SESSION_LOCK = /^pg_(try_)?advisory_(lock(_shared)?|unlock(_shared|_all)?)$/;
/** CURSOR_OPT_HOLD */
const WITH_HOLD = 0x20;

const FORBIDDEN: ByKind<string | undefined> = {
  TransactionStmt: () => TRANSACTION,
  PrepareStmt: () => PREPARED,
  ExecuteStmt: () => PREPARED,
  DeallocateStmt: () => PREPARED,
  ListenStmt: () => SESSION,
  UnlistenStmt: () => SESSION,
  DiscardStmt: () => SESSION,
  LoadStmt: () => SESSION,
  DeclareCursorStmt: ({ options = 0 }) => ((options & WITH_HOLD) === 0 ? undefined : SESSION),
  VariableSetStmt: ({ kind, is_local }) => (kind?.startsWith('VAR_RESET') && is_local !== true ? SETTING : undefined),
  CreateFunctionStmt: ({ funcname }) => ifTemporary(funcname),
  CreateDomainStmt: ({ domainname }) => ifTemporary(domainname),
  CreateEnumStmt: ({ typeName }) => ifTemporary(typeName),
  CreateRangeStmt: ({ typeName }) => ifTemporary(typeName),
  DefineStmt: ({ defnames }) => ifTemporary(defnames),
};

/** Why a statement cannot be part of a migration, and what to do instead. */
export function readForbiddenReason({ executed }: Code): string | undefined {
  for (const node of executed) {
    const reason = byKind(FORBIDDEN, node) ?? (createsTemporary(node) ? TEMPORARY : undefined);
    if (reason !== undefined) {
      return reason;
    }
  }
  if (executed.some((node) => functionCalls(node).some((call) => SESSION_LOCK.test(builtinName(call) ?? '')))) {
    return LOCK;
  }
  return settingChanges(executed).every(({ isLocal }) => isTrue(isLocal)) ? undefined : SETTING;
}

/** The settings that a statement changes, or a function that it creates would. */
export const readSettingChanges = ({ executed, defined }: Code): SettingChange[] => [
  ...settingChanges(executed),
  ...settingChanges(defined),
  ...executed.flatMap((node) => ('CreateFunctionStmt' in node ? setConfigs(node.CreateFunctionStmt.sql_body) : [])),
];

/** Whether a value is true, as PostgreSQL reads booleans. */
export const isTrue = (value: SqlValue, parameters: readonly unknown[] = []): boolean => {
  const known = resolveValue(value, parameters);
  return known === true || (typeof known === 'string' && /^(t|true|y|yes|on|1)$/i.test(known));
};

/** What a value is when the statement is sent with these parameters. */
export const resolveValue = (value: SqlValue, parameters: readonly unknown[]): unknown =>
  value === undefined ? undefined : 'constant' in value ? value.constant : parameters[value.parameter - 1];

const settingChanges = (nodes: readonly Node[]): SettingChange[] =>
  nodes.flatMap((node) => ('VariableSetStmt' in node ? setBy(node) : setConfigs(node)));

function setBy({
  VariableSetStmt: { kind, name, is_local },
}: Extract<Node, { VariableSetStmt: unknown }>): SettingChange[] {
  if (kind?.startsWith('VAR_RESET') || name === 'TRANSACTION') {
    return [];
  }
  return [{ name: { constant: name ?? '' }, isLocal: { constant: String(is_local === true) } }];
}

const setConfigs = (root: unknown): SettingChange[] =>
  functionCalls(root)
    .filter((call) => builtinName(call) === 'set_config')
    .map((call) => ({ name: argument(call, 0, 'setting_name'), isLocal: argument(call, 2, 'is_local') }));

function argument({ args = [] }: FuncCall, position: number, name: string): SqlValue {
  const named = args.flatMap((arg) => ('NamedArgExpr' in arg ? [arg.NamedArgExpr] : []));
  return readValue(named.find((arg) => arg.name === name)?.arg ?? args[position]);
}

function readValue(node: Node | undefined): SqlValue {
  if (node === undefined) {
    return undefined;
  }
  if ('TypeCast' in node) {
    return readValue(node.TypeCast.arg);
  }
  if ('ParamRef' in node) {
    return { parameter: node.ParamRef.number ?? 0 };
  }
  const { sval, boolval } = 'A_Const' in node ? node.A_Const : {};
  const constant = sval?.sval ?? (boolval === undefined ? undefined : String(boolval.boolval === true));
  return constant === undefined ? undefined : { constant };
}

function createsTemporary(root: Node): boolean {
  let found = false;
  walk(root, (object, key) => {
    const { onCommit, oncommit = onCommit, rel, relation = rel } = object as Record<string, unknown>;
    if (oncommit !== undefined) {
      found ||= oncommit !== 'ONCOMMIT_DROP' && isTemporary(relation as RangeVar);
    } else if (key === 'view' || key === 'sequence' || key === 'typevar') {
      found ||= isTemporary(object as RangeVar);
    }
    return !('sql_body' in object);
  });
  return found;
}

const isTemporary = ({ schemaname, relpersistence }: RangeVar): boolean =>
  schemaname === 'pg_temp' || relpersistence === 't';

const ifTemporary = (name: readonly Node[] | undefined): string | undefined =>
  toStrings(name).length > 1 && toStrings(name)[0] === 'pg_temp' ? TEMPORARY : undefined;
