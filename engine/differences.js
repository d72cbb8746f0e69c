// @ts-check
/**
 * Reads the engine's scripts: which statements mean that the database lacks something, and which that it has more. Pure; compare.js asks the engine.
 */

/** @typedef {'table' | 'column' | 'columnType' | 'columnNull' | 'columnDefault' | 'primaryKey' | 'foreignKey' | 'constraint' | 'index' | 'enum' | 'enumValue' | 'sequence' | 'other'} Kind */
/** @typedef {{kind: Kind, table: string | null, name: string, statement: string}} Difference */
/** @typedef {{missing: Difference[], extra: Difference[]}} Differences */
/** @typedef {import('./parser.js').ParsedStatement} ParsedStatement */
/** @typedef {{side: 'missing' | 'extra', kind: Kind, table: string | null, name: string}} Finding */
/** @typedef {Finding & {statement: string}} Found */

/**
 * @param {ParsedStatement[]} there from the database to the datamodel
 * @param {ParsedStatement[]} back from the datamodel to the database; read only where `rebuildsEnum(there)`
 * @returns {Differences}
 */
export function differencesOf(there, back) {
  const { plain, blocks } = apart(there)
  const found = [...plain.flatMap(told), ...blocks.flatMap((block) => toldOfEnum(block, back))]
  return withoutReplaced({ missing: ofSide('missing', found), extra: ofSide('extra', found) })
}

/**
 * Whether the script makes an enum anew: then it does not tell which values are missing, and the way back is needed, too.
 * @param {ParsedStatement[]} statements
 */
export function rebuildsEnum(statements) {
  return apart(statements).blocks.length > 0
}

/**
 * The engine opens a transaction only to put a new enum in the place of one that has values too many.
 * @param {ParsedStatement[]} statements
 */
function apart(statements) {
  const plain = /** @type {ParsedStatement[]} */ ([])
  const blocks = /** @type {ParsedStatement[][]} */ ([])
  let inBlock = false
  for (const statement of statements) {
    const begins = statement.node.kind === 'TRANS_STMT_BEGIN'
    if (begins) blocks.push([])
    else if (inBlock) blocks.at(-1)?.push(statement)
    else plain.push(statement)
    inBlock = (inBlock || begins) && statement.node.kind !== 'TRANS_STMT_COMMIT'
  }
  return { plain, blocks }
}

/**
 * @param {ParsedStatement[]} block
 * @param {ParsedStatement[]} back
 * @returns {Found[]}
 */
function toldOfEnum(block, back) {
  const wanted = enumOf(block)
  if (!wanted) return block.flatMap(told)
  const had = apart(back).blocks.map(enumOf).find((other) => other?.name === wanted.name)
  const added = back.filter(({ kind, node }) => kind === 'AlterEnumStmt' && lastName(node.typeName) === wanted.name).map(({ node }) => node.newVal)
  const beyond = had ? had.values.filter((value) => !wanted.values.includes(value)) : added
  const lacking = had ? wanted.values.filter((value) => !had.values.includes(value)) : []
  const finding = (/** @type {typeof missing} */ side) => (/** @type {string} */ value) => ({ ...side('enumValue', null, `${wanted.name}.${value}`), statement: wanted.text })
  return [...lacking.map(finding(missing)), ...beyond.map(finding(extra))]
}

/**
 * The enum that a block makes, under its final name.
 * @param {ParsedStatement[]} block
 * @returns {{name: string, values: string[], text: string} | null}
 */
function enumOf(block) {
  const created = block.find(({ kind }) => kind === 'CreateEnumStmt')
  if (!created) return null
  const values = created.node.vals.map((/** @type {any} */ value) => value.String.sval)
  return { name: lastName(created.node.typeName).replace(/_new$/, ''), values, text: created.text }
}

/**
 * What is dropped to be made again exists with another definition: missing, and not extra as well.
 * @param {Differences} differences
 * @returns {Differences}
 */
function withoutReplaced({ missing, extra }) {
  const replaces = (/** @type {Difference} */ had, /** @type {Difference} */ wanted) =>
    had.name === wanted.name && [wanted.table, null].includes(had.table) && [wanted.kind, 'constraint'].includes(had.kind)
  const retyped = (/** @type {Difference} */ wanted) => wanted.kind === 'column' && extra.some((had) => replaces(had, wanted))
  return {
    missing: missing.map((wanted) => (retyped(wanted) ? { ...wanted, kind: 'columnType' } : wanted)),
    extra: extra.filter((had) => !missing.some((wanted) => replaces(had, wanted))),
  }
}

/**
 * @param {Finding['side']} wanted
 * @param {Found[]} found
 * @returns {Difference[]}
 */
function ofSide(wanted, found) {
  return found.filter(({ side }) => side === wanted).map(({ kind, table, name, statement }) => ({ kind, table, name, statement }))
}

/**
 * @param {ParsedStatement} statement
 * @returns {Found[]}
 */
function told({ kind, node, text }) {
  const findings = READERS[kind]?.(node) ?? [missing('other', null, kind)]
  return findings.map((finding) => ({ ...finding, statement: text }))
}

/** @type {Record<string, Kind>} */
const CONSTRAINTS = { CONSTR_FOREIGN: 'foreignKey', CONSTR_PRIMARY: 'primaryKey' }
/** @type {Record<string, Kind>} */
const DROPPED = { OBJECT_TABLE: 'table', OBJECT_INDEX: 'index', OBJECT_TYPE: 'enum', OBJECT_SEQUENCE: 'sequence' }
/** @type {Record<string, Kind>} */
const RENAMED = { OBJECT_INDEX: 'index', OBJECT_TABCONSTRAINT: 'constraint' }

/** @type {Record<string, (node: any) => Finding[]>} by the parser's name of a statement */
const READERS = {
  CreateStmt: ({ relation }) => [missing('table', relation.relname, relation.relname)],
  IndexStmt: ({ relation, idxname }) => [missing('index', relation.relname, idxname)],
  CreateEnumStmt: ({ typeName }) => [missing('enum', null, lastName(typeName))],
  AlterEnumStmt: ({ typeName, newVal }) => [missing('enumValue', null, `${lastName(typeName)}.${newVal}`)],
  CreateSeqStmt: ({ sequence }) => [missing('sequence', null, sequence.relname)],
  AlterSeqStmt: () => [], // who owns the sequence just named
  AlterTableStmt: ({ relation, cmds }) => cmds.map((/** @type {any} */ { AlterTableCmd: command }) => alteration(relation.relname, command)),
  RenameStmt: (node) => [renaming(node)],
  DropStmt: ({ removeType, objects }) => objects.map((/** @type {any} */ object) => dropping(DROPPED[removeType], object)),
}

/** @type {Record<string, (table: string, command: any) => Finding>} by the parser's name of an ALTER TABLE command */
const ALTERATIONS = {
  AT_AddColumn: (table, { def }) => missing('column', table, def.ColumnDef.colname),
  AT_AlterColumnType: (table, { name }) => missing('columnType', table, name),
  AT_SetNotNull: (table, { name }) => missing('columnNull', table, name),
  AT_DropNotNull: (table, { name }) => missing('columnNull', table, name),
  AT_ColumnDefault: (table, { name, def }) => (def ? missing : extra)('columnDefault', table, name),
  AT_AddConstraint: (table, { def }) => missing(CONSTRAINTS[def.Constraint.contype] ?? 'constraint', table, def.Constraint.conname),
  AT_DropColumn: (table, { name }) => extra('column', table, name),
  AT_DropConstraint: (table, { name }) => extra('constraint', table, name),
}

/**
 * @param {string} table
 * @param {any} command
 */
function alteration(table, command) {
  return ALTERATIONS[command.subtype]?.(table, command) ?? missing('other', table, command.subtype)
}

/**
 * It is there under another name, and does its work. Any other renaming is not known.
 * @param {any} node
 */
function renaming({ renameType, relation, subname }) {
  const kind = RENAMED[renameType]
  if (kind === 'index') return extra(kind, null, relation.relname)
  return kind ? extra(kind, relation.relname, subname) : missing('other', relation?.relname ?? null, renameType)
}

/**
 * @param {Kind | undefined} kind
 * @param {any} object a list of names, or a type with one
 */
function dropping(kind, object) {
  const name = lastName(object.List?.items ?? object.TypeName?.names)
  return kind ? extra(kind, kind === 'table' ? name : null, name) : missing('other', null, name)
}

/**
 * @param {Kind} kind
 * @param {string | null} table
 * @param {string} name
 * @returns {Finding}
 */
function missing(kind, table, name) {
  return { side: 'missing', kind, table, name }
}

/**
 * @param {Kind} kind
 * @param {string | null} table
 * @param {string} name
 * @returns {Finding}
 */
function extra(kind, table, name) {
  return { side: 'extra', kind, table, name }
}

/** The name behind the schema's. @param {any[]} names */
function lastName(names) {
  return names.at(-1).String.sval
}
