// @ts-check
/** What expressions tell: whether a default is the same for all rows, and whether a call may do more than give a value. */
import { namesOf } from './types.js'

/** @typedef {import('./statements.js').Effect} Effect */

/** Built-in functions that give one value within a statement and do nothing else. https://www.postgresql.org/docs/current/functions.html */
const STABLE = new Set(
  `abs age array_agg array_append array_cat array_length array_position array_remove array_replace array_to_json array_to_string avg bool_and bool_or btrim cardinality
  ceil char_length col_description concat concat_ws count current_schema current_schemas current_setting date_part date_trunc decode encode every extract floor format
  format_type greatest has_column_privilege has_schema_privilege has_table_privilege json_agg json_array_elements json_build_array json_build_object json_each json_object
  json_object_agg jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
  jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_set jsonb_strip_nulls jsonb_typeof least left length
  lower lpad ltrim make_date make_interval make_timestamp make_timestamptz max md5 min mod now obj_description octet_length overlay pg_get_constraintdef pg_get_expr
  pg_get_indexdef pg_get_serial_sequence pg_get_viewdef pg_table_is_visible pg_type_is_visible pg_typeof position power quote_ident quote_literal quote_nullable
  rank regexp_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right round row_number row_to_json row_to_json rpad rtrim sha256 sign
  split_part sqrt statement_timestamp string_agg string_to_array strpos substr substring sum timezone to_char to_date to_json to_jsonb to_number to_regclass to_regnamespace
  to_regproc to_regtype to_timestamp transaction_timestamp translate trim trunc unnest upper version`.split(/\s+/),
)
/** Those that give another value for each row. */
const VOLATILE = new Set(['clock_timestamp', 'currval', 'gen_random_uuid', 'generate_series', 'nextval', 'random', 'timeofday', 'uuid_generate_v4', 'uuidv4', 'uuidv7'])

/**
 * How a column's default is found: once for all rows (`constant`), or for each (`volatile`: then adding the column writes the table anew).
 * @param {any} expression of the parser's tree
 * @returns {'none' | 'constant' | 'volatile'}
 */
export function defaultOf(expression) {
  if (!expression || expression.A_Const?.isnull) return 'none'
  return [...nodes(expression, 'FuncCall')].every((call) => STABLE.has(builtIn(call))) ? 'constant' : 'volatile'
}

/**
 * What the calls in an expression, or in a whole statement, may do beyond giving a value: a function that is not PostgreSQL's own may do anything.
 * @param {any} tree
 * @returns {Effect[]}
 */
export function functionEffects(tree) {
  return [...nodes(tree, 'FuncCall')].flatMap(callEffects)
}

/**
 * @param {any} call
 * @returns {Effect[]}
 */
function callEffects(call) {
  const name = builtIn(call)
  if (name === 'set_config') return [{ act: 'Set', name: call.args[0]?.A_Const?.sval?.sval }]
  return STABLE.has(name) || VOLATILE.has(name) ? [] : [{ act: 'Unknown', name: namesOf(call.funcname).join('.') }]
}

/**
 * @param {any} tree
 * @param {string} kind
 * @returns {Generator<any>} every node of a kind in it
 */
function* nodes(tree, kind) {
  if (!(tree instanceof Object)) return
  for (const [name, value] of Object.entries(tree)) {
    if (name === kind) yield value
    yield* nodes(value, kind)
  }
}

/**
 * The columns that an index or an expression needs, each once.
 * @param {any} tree
 * @returns {string[]}
 */
export function columnsIn(tree) {
  const keys = [...nodes(tree, 'IndexElem')].flatMap(({ name }) => name ?? [])
  const referred = [...nodes(tree, 'ColumnRef')].flatMap(({ fields }) => fields.at(-1).String?.sval ?? [])
  return [...new Set([...keys, ...referred])]
}

/** The name of a call that means a built-in function, else nothing. @param {any} call */
function builtIn({ funcname }) {
  const [name = '', schema = 'pg_catalog'] = namesOf(funcname).toReversed()
  return schema === 'pg_catalog' ? name : ''
}
