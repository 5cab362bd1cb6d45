const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/**
 * PostgreSQL's functions that a user may call. Each computes a value from its arguments and nothing else: none reads settings, the
 * catalog or files, runs a text as SQL, changes the session, or makes a large value from small ones.
 */
export const ALLOWED_FUNCTIONS = words(
  // Aggregates
  `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every json_agg json_object_agg
  jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count
  regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
  cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number ` +
    // Numbers
    `abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees div erf erfc exp
  floor gcd lcm ln log log10 min_scale mod pi power radians random round scale sign sin sind sinh sqrt tan tand tanh trim_scale
  trunc width_bucket num_nonnulls num_nulls ` +
    // Texts
    `ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws decode encode initcap is_normalized left
  length like_escape lower lpad ltrim md5 normalize octet_length overlay position quote_literal quote_nullable regexp_count
  regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr
  replace reverse right rpad rtrim sha224 sha256 sha384 sha512 similar_escape similar_to_escape split_part starts_with
  string_to_array string_to_table strpos substr substring to_bin to_hex to_oct translate unistr upper ` +
    // Dates and formats
    `age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days justify_hours
  justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps statement_timestamp timezone to_char
  to_date to_number to_timestamp transaction_timestamp ` +
    // JSON
    `json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each json_each_text
  json_extract_path json_extract_path_text json_object json_object_keys json_strip_nulls json_to_record json_to_recordset
  json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_concat
  jsonb_each jsonb_each_text jsonb_exists jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys
  jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
  jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set jsonb_strip_nulls
  jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb array_to_json ` +
    // Arrays, ranges and series
    `array_append array_cat array_dims array_length array_lower array_ndims array_position array_positions array_prepend
  array_remove array_replace array_reverse array_sort array_to_string array_upper cardinality generate_series generate_subscripts
  trim_array unnest daterange datemultirange int4range int8range numrange tsrange tstzrange isempty lower_inc lower_inf range_merge
  upper_inc upper_inf`,
);

/** By the names that the grammar gives them, such as `int4` for `integer`. The types that look a name up in the catalog are not here. */
export const ALLOWED_TYPES = words(
  `bool int2 int4 int8 float4 float8 numeric money text varchar bpchar bit varbit bytea uuid date time timetz timestamp timestamptz
  interval json jsonb jsonpath inet cidr macaddr macaddr8 daterange datemultirange int4range int4multirange int8range int8multirange
  numrange nummultirange tsrange tsmultirange tstzrange tstzmultirange`,
);

export const ALLOWED_OPERATORS = words(
  `+ - * / % ^ |/ ||/ @ & | # ~ << >> = <> != < > <= >= || ^@ ~* !~ !~* ~~ !~~ ~~* !~~* -> ->> #> #>> #- @> <@ ? ?| ?& @? @@ && -|- &<
  &>`,
);

/** What the grammar calls `current_date` and its kind. Those that name a user, a database or a schema are not here. */
export const ALLOWED_CLOCKS = words(
  `SVFOP_CURRENT_DATE SVFOP_CURRENT_TIME SVFOP_CURRENT_TIME_N SVFOP_CURRENT_TIMESTAMP SVFOP_CURRENT_TIMESTAMP_N SVFOP_LOCALTIME
  SVFOP_LOCALTIME_N SVFOP_LOCALTIMESTAMP SVFOP_LOCALTIMESTAMP_N`,
);

/** The columns of functions in FROM that are not called like the function. */
export const FUNCTION_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  json_array_elements: ['value'],
  json_array_elements_text: ['value'],
  json_each: ['key', 'value'],
  json_each_text: ['key', 'value'],
  jsonb_array_elements: ['value'],
  jsonb_array_elements_text: ['value'],
  jsonb_each: ['key', 'value'],
  jsonb_each_text: ['key', 'value'],
};

/** How PostgreSQL calls columns for which the user wrote no name. */
export const DEFAULT_COLUMNS = words(
  `?column? array bool case coalesce current_date current_time current_timestamp exists greatest grouping least localtime localtimestamp
  nullif row`,
);
