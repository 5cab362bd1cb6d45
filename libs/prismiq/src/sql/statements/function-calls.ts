import type { FuncCall } from 'libpg-query';
import { toStrings, walk } from './tree.js';

/** The calls that a statement makes, without those in the body of a function that it creates. */
export function functionCalls(root: unknown): FuncCall[] {
  const calls: FuncCall[] = [];
  walk(root, (object) => {
    if ('funcformat' in object) {
      calls.push(object as FuncCall);
    }
    return !('sql_body' in object);
  });
  return calls;
}

/** @returns `undefined` if the call names another schema than PostgreSQL's own */
export function builtinName({ funcname }: FuncCall): string | undefined {
  const parts = toStrings(funcname);
  return parts.length === 1 || parts[0] === 'pg_catalog' ? parts.at(-1) : undefined;
}

/** Built-in functions that change nothing but what their statement writes, or what ends with the transaction. */
const HARMLESS = new Set(
  (
    'abs age array_agg array_append array_length array_position array_remove array_to_string avg bool_and bool_or btrim cardinality ' +
    'ceil char_length clock_timestamp concat concat_ws count current_database current_schema current_schemas current_setting ' +
    'date_part date_trunc dense_rank extract first_value floor format format_type gen_random_uuid generate_series ' +
    'has_schema_privilege has_table_privilege jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length ' +
    'jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_object_agg jsonb_set jsonb_strip_nulls jsonb_typeof ' +
    'json_agg json_build_object lag last_value lead left length lower lpad ltrim make_interval max md5 min mod nextval now ' +
    'nullif obj_description octet_length overlay pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_get_constraintdef ' +
    'pg_get_expr pg_get_indexdef pg_get_serial_sequence pg_notify pg_try_advisory_xact_lock position quote_ident quote_literal ' +
    'quote_nullable random rank regexp_match regexp_matches regexp_replace repeat replace reverse right round row_number rpad ' +
    'rtrim set_config sha256 split_part starts_with statement_timestamp string_agg string_to_array strpos substr substring sum ' +
    'timezone to_char to_date to_json to_jsonb to_number to_regclass to_regnamespace to_regproc to_regtype to_timestamp ' +
    'transaction_timestamp translate trim trunc unnest upper uuidv4 uuidv7'
  ).split(' '),
);

/** The first function that a statement calls and that is not known to change nothing. */
export function unknownFunction(root: unknown): string | undefined {
  const call = functionCalls(root).find((call) => !HARMLESS.has(builtinName(call) ?? ''));
  return call === undefined ? undefined : toStrings(call.funcname).join('.');
}
