// @ts-check
/**
 * Reads the engine's script from database to datamodel: which of its statements mean that something is missing, and which that something is extra. Pure: compare.js asks the engine.
 */

/** @typedef {'table' | 'column' | 'columnType' | 'columnNull' | 'columnDefault' | 'primaryKey' | 'foreignKey' | 'constraint' | 'index' | 'enum' | 'enumValue' | 'sequence' | 'other'} Kind */
/** @typedef {{kind: Kind, table: string | null, name: string, statement: string}} Difference */
/** @typedef {{missing: Difference[], extra: Difference[]}} Differences */
/** @typedef {import('./parser.js').ParsedStatement} ParsedStatement */
/** @typedef {{side: 'missing' | 'extra', kind: Kind, table: string | null, name: string}} Finding */

/**
 * @param {ParsedStatement[]} statements of the script
 * @returns {Differences}
 */
export function differencesOf(statements) {
  const found = statements.flatMap((statement) => findings(statement).map((finding) => ({ ...finding, statement: statement.text })))
  const side = (/** @type {Finding['side']} */ wanted) => found.filter((finding) => finding.side === wanted).map(({ side: _, ...difference }) => difference)
  return withoutReplaced({ missing: side('missing'), extra: side('extra') })
}

/**
 * What is dropped to be made again exists with another definition: missing, and not extra as well.
 * @param {Differences} differences
 * @returns {Differences}
 */
function withoutReplaced({ missing, extra }) {
  const same = (/** @type {Difference} */ one, /** @type {Difference} */ other) => one.name === other.name && (one.table === other.table || one.table === null)
  const replaced = (/** @type {Difference} */ wanted) => wanted.kind === 'column' && extra.some((had) => had.kind === 'column' && same(had, wanted))
  return {
    missing: missing.map((wanted) => (replaced(wanted) ? { ...wanted, kind: 'columnType' } : wanted)),
    extra: extra.filter((had) => !missing.some((wanted) => same(had, wanted))),
  }
}

/** @type {Record<string, (node: any) => Finding[]>} by the parser's name of a statement */
const READERS = {
  CreateStmt: ({ relation }) => [missing('table', relation.relname, relation.relname)],
  IndexStmt: ({ relation, idxname }) => [missing('index', relation.relname, idxname)],
  CreateEnumStmt: ({ typeName }) => [missing('enum', null, lastName(typeName))],
  AlterEnumStmt: ({ typeName, newVal }) => [missing('enumValue', null, `${lastName(typeName)}.${newVal}`)],
  CreateSeqStmt: ({ sequence }) => [missing('sequence', null, sequence.relname)],
  AlterSeqStmt: () => [], // ownership of the sequence above
  AlterTableStmt: ({ relation, cmds }) => cmds.map((/** @type {any} */ { AlterTableCmd: command }) => alteration(relation.relname, command)),
  RenameStmt: ({ relation, subname, newname, renameType }) => [extra(renameType === 'OBJECT_INDEX' ? 'index' : 'constraint', null, subname ?? relation?.relname ?? newname)],
  DropStmt: ({ removeType, objects }) => objects.map((/** @type {any} */ object) => extra(DROPPED[removeType] ?? 'other', null, droppedName(object))),
}

/** @param {ParsedStatement} statement */
function findings({ kind, node, text }) {
  return READERS[kind]?.(node) ?? [missing('other', null, text.slice(0, 60))]
}

/** @type {Record<string, Kind>} */
const DROPPED = { OBJECT_TABLE: 'table', OBJECT_INDEX: 'index', OBJECT_TYPE: 'enum', OBJECT_SEQUENCE: 'sequence' }

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

/** @type {Record<string, Kind>} */
const CONSTRAINTS = { CONSTR_FOREIGN: 'foreignKey', CONSTR_PRIMARY: 'primaryKey' }

/**
 * @param {string} table
 * @param {any} command
 */
function alteration(table, command) {
  return ALTERATIONS[command.subtype]?.(table, command) ?? missing('other', table, command.subtype)
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
  return { side: 'extra', kind, table: kind === 'table' ? name : table, name }
}

/** The name behind the schema's. @param {any[]} names */
function lastName(names) {
  return names.at(-1).String.sval
}

/** @param {any} object of DROP: a list of names, or a type with one */
function droppedName(object) {
  return lastName(object.List?.items ?? object.TypeName?.names)
}
