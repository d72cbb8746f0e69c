// @ts-check
/** Spells types as PostgreSQL's format_type does, so that what a script names can be compared with what the catalogues hold. */

/** https://www.postgresql.org/docs/current/datatype.html#DATATYPE-TABLE: internal names and aliases. */
const SPELLED = /** @type {Record<string, string>} */ ({
  bool: 'boolean',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  varchar: 'character varying',
  varbit: 'bit varying',
  time: 'time without time zone',
  timetz: 'time with time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  char: '"char"', // the keyword char arrives as bpchar
  smallserial: 'smallint',
  serial2: 'smallint',
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
})

/**
 * @param {any} typeName a TypeName of the parser's tree
 * @returns {string | null} null for a type that cannot be told without a database: `t.c%TYPE`, or an interval of certain fields
 */
export function spell(typeName) {
  const { names, typmods = [], arrayBounds, pct_type: copied } = typeName
  const numbers = typmods.map((/** @type {any} */ { A_Const: value }) => value?.ival?.ival ?? (value?.ival ? 0 : null))
  const parts = namesOf(names)
  if (copied || numbers.includes(null) || (parts.at(-1) === 'interval' && numbers.length > 0)) return null
  return withLength(spellName(parts, numbers), numbers) + (arrayBounds ? '[]' : '')
}

/**
 * Whether the type stands for a column whose default is the next value of a sequence.
 * @param {any} typeName
 */
export function isSerial(typeName) {
  return /^(small|big)?serial[248]?$/.test(namesOf(typeName.names).at(-1) ?? '')
}

/**
 * @param {any[]} names
 * @returns {string[]}
 */
export function namesOf(names) {
  return names.map(({ String: { sval } }) => sval)
}

/**
 * @param {string[]} parts
 * @param {number[]} numbers
 */
function spellName(parts, numbers) {
  const [name = '', schema] = parts.toReversed()
  if (schema && schema !== 'pg_catalog') return `${quoted(schema)}.${quoted(name)}`
  if (name === 'bpchar') return numbers.length > 0 ? 'character' : 'bpchar'
  return SPELLED[name] ?? quoted(name)
}

/**
 * The numbers stand before what follows a type's first word: `timestamp(3) without time zone`; but `character varying(10)`.
 * @param {string} name
 * @param {number[]} numbers
 */
function withLength(name, numbers) {
  if (numbers.length === 0) return name
  const length = `(${numbers.join(',')})`
  const zone = name.search(/ with(out)? time zone$/)
  return zone < 0 ? name + length : name.slice(0, zone) + length + name.slice(zone)
}

/** @param {string} name */
function quoted(name) {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
