// @ts-check
/**
 * What one SQL statement does, read from its tree. Pure; docs/spec/judge-protocol.md says what the words mean. What this module does not know is Unknown, never nothing.
 */
import { commandEffects, constraintEffects } from './alter_table.js'
import { columnsIn, functionEffects } from './expressions.js'
import { namesOf } from './types.js'

/**
 * @typedef {'CreateTable' | 'DropTable' | 'RenameTable' | 'AddColumn' | 'DropColumn' | 'RenameColumn' | 'RetypeColumn' | 'SetNotNull' | 'DropNotNull' | 'SetDefault' | 'DropDefault'
 *   | 'AddConstraint' | 'DropConstraint' | 'ValidateConstraint' | 'RenameConstraint' | 'CreateIndex' | 'DropIndex' | 'RenameIndex' | 'CreateEnum' | 'AddEnumValue' | 'RenameEnumValue'
 *   | 'DropType' | 'RenameType' | 'CreateView' | 'DropView' | 'CreateFunction' | 'CreateTrigger' | 'Insert' | 'Update' | 'Delete' | 'Truncate' | 'DropSchema' | 'DropOther' | 'Revoke' | 'Set' | 'Unknown'} Act
 */
/** @typedef {'foreignKey' | 'check' | 'exclusion' | 'unique' | 'primaryKey' | 'notNull'} ConstraintKind */
/**
 * A fact that is null, false, empty or `none` is left out.
 * @typedef {{act: Act, table?: string, schema?: string, name?: string, newName?: string, type?: string | null, using?: boolean, default?: 'none' | 'constant' | 'volatile', notNull?: boolean, columns?: string[],
 *   onlyNull?: boolean, where?: boolean, expression?: boolean, concurrently?: boolean, constraint?: ConstraintKind, notValid?: boolean, references?: string, cascade?: boolean, replace?: boolean, ifExists?: boolean, ifNotExists?: boolean,
 *   conditional?: boolean, text?: string}} Effect
 */

/**
 * @param {{kind: string, node: any}} statement any but a DO block
 * @returns {Effect[]}
 */
export function effectsOfStatement({ kind, node }) {
  const effects = READERS[kind]?.(node) ?? (HARMLESS.has(kind) ? [] : [unknown(node.relation)])
  return effects.map(told)
}

/**
 * @param {any} [relation]
 * @returns {Effect}
 */
export function unknown(relation) {
  return { act: 'Unknown', ...placeOf(relation) }
}

/**
 * @param {any} relation a RangeVar
 * @returns {{table?: string, schema?: string}}
 */
function placeOf(relation) {
  return { table: relation?.relname, schema: relation?.schemaname }
}

/**
 * Leaves out what a reader takes for granted.
 * @param {Effect} effect
 * @returns {Effect}
 */
function told(effect) {
  const facts = Object.entries(effect).filter(([, value]) => value && value !== 'none' && !(Array.isArray(value) && value.length === 0))
  return /** @type {Effect} */ (Object.fromEntries(facts))
}

/** Statements that change neither rows nor tables nor what an application sees of them. */
const HARMLESS = new Set([
  'AlterSeqStmt',
  'AlterExtensionStmt',
  'CommentStmt',
  'CompositeTypeStmt',
  'CreateDomainStmt',
  'CreateExtensionStmt',
  'CreateSeqStmt',
  'CreateStatsStmt',
  'VariableShowStmt',
])

/** @type {Record<string, (node: any) => Effect[]>} by the parser's name of a statement */
const READERS = {
  AlterEnumStmt: readAlterEnum,
  AlterTableStmt: readAlterTable,
  CreateEnumStmt: ({ typeName }) => [{ act: 'CreateEnum', ...named(typeName) }],
  CreateFunctionStmt: ({ funcname, replace }) => [{ act: 'CreateFunction', ...named(funcname), replace }],
  CreateStmt: readCreateTable,
  CreateTableAsStmt: readCreateTableAs,
  CreateTrigStmt: ({ relation, trigname }) => [{ act: 'CreateTrigger', ...placeOf(relation), name: trigname }],
  DeleteStmt: (node) => [...readQuery(node), { act: 'Delete', ...placeOf(node.relation), where: Boolean(node.whereClause) }],
  DropStmt: ({ objects, ...how }) => objects.map((/** @type {any} */ object) => dropped(object, how)),
  GrantStmt: readGrant,
  IndexStmt: readCreateIndex,
  InsertStmt: readInsert,
  MergeStmt: readMerge,
  RenameStmt: readRename,
  SelectStmt: readQuery,
  TransactionStmt: readTransaction,
  TruncateStmt: ({ relations, behavior }) => relations.map((/** @type {any} */ { RangeVar }) => ({ act: 'Truncate', ...placeOf(RangeVar), cascade: behavior === 'DROP_CASCADE' })),
  UpdateStmt: (node) => [...readQuery(node), updated(node, node.relation)],
  VariableSetStmt: ({ name }) => [{ act: 'Set', name }],
  ViewStmt: ({ view, replace }) => [{ act: 'CreateView', schema: view.schemaname, name: view.relname, replace }],
}

/** @param {any} node @returns {Effect[]} */
function readAlterEnum({ typeName, oldVal, newVal, skipIfNewValExists: ifNotExists }) {
  const { name } = named(typeName)
  return [oldVal ? { act: 'RenameEnumValue', name: `${name}.${oldVal}`, newName: newVal } : { act: 'AddEnumValue', name, newName: newVal, ifNotExists }]
}

/** @param {any} node @returns {Effect[]} */
function readAlterTable({ relation, cmds, objtype, missing_ok: missingTable }) {
  if (objtype !== 'OBJECT_TABLE') return [unknown(relation)]
  return cmds.flatMap((/** @type {any} */ { AlterTableCmd: command }) =>
    commandEffects(command).map((effect) => ({ ...effect, ...placeOf(relation), ifExists: effect.ifExists || missingTable })),
  )
}

/** Its foreign keys take a lock on tables that are there already; its checks and exclusions no schema.prisma names. @param {any} node @returns {Effect[]} */
function readCreateTable({ relation, tableElts = [], if_not_exists: ifNotExists, inhRelations = [] }) {
  const place = placeOf(relation)
  const constraints = /** @type {Effect[]} */ (tableElts.flatMap(constraintsOf).flatMap(constraintEffects))
  const told = constraints.filter(({ references, constraint }) => references || constraint === 'check' || constraint === 'exclusion')
  const parents = inhRelations.map((/** @type {any} */ { RangeVar }) => unknown(RangeVar))
  return [{ act: 'CreateTable', ...place, ifNotExists }, ...told.map((each) => ({ ...each, ...place, conditional: ifNotExists })), ...parents]
}

/**
 * @param {any} element of a CREATE TABLE
 * @returns {any[]}
 */
function constraintsOf({ ColumnDef, Constraint }) {
  if (Constraint) return [Constraint]
  return (ColumnDef?.constraints ?? []).map((/** @type {any} */ part) => part.Constraint)
}

/** @param {any} node @returns {Effect[]} */
function readCreateTableAs({ query, into, objtype, if_not_exists: ifNotExists }) {
  const { table, schema } = placeOf(into.rel)
  const read = Object.entries(query).flatMap(([kind, node]) => effectsOfStatement({ kind, node }))
  return [...read, objtype === 'OBJECT_MATVIEW' ? { act: 'CreateView', schema, name: table, ifNotExists } : { act: 'CreateTable', schema, table, ifNotExists }]
}

/** @param {any} node @returns {Effect[]} */
function readCreateIndex({ idxname: name, relation, concurrent: concurrently, if_not_exists: ifNotExists, unique, whereClause, indexParams, indexIncludingParams }) {
  const columns = columnsIn([indexParams, indexIncludingParams, whereClause])
  const expression = indexParams.some((/** @type {any} */ { IndexElem }) => IndexElem.expr)
  return [{ act: 'CreateIndex', ...placeOf(relation), name, columns, concurrently, ifNotExists, constraint: unique ? 'unique' : undefined, where: Boolean(whereClause), expression }]
}

/** What is granted takes nothing from anybody. @param {any} node @returns {Effect[]} */
function readGrant({ is_grant: isGrant, objtype, objects }) {
  return isGrant ? [] : objects.map((/** @type {any} */ object) => ({ act: 'Revoke', ...revokedFrom(object, objtype) }))
}

/**
 * @param {any} object
 * @param {string} kind
 * @returns {{table?: string, schema?: string, name?: string}}
 */
function revokedFrom({ RangeVar, ObjectWithArgs, List, String }, kind) {
  if (!RangeVar) return named(ObjectWithArgs?.objname ?? List?.items ?? [{ String }])
  const { table, schema } = placeOf(RangeVar)
  return kind === 'OBJECT_TABLE' ? { table, schema } : { schema, name: table }
}

/** What is undone, nobody can tell from here: statements before it were told as done. @param {any} node @returns {Effect[]} */
function readTransaction({ kind }) {
  return FORWARD.has(kind) ? [] : [unknown()]
}

const FORWARD = new Set(['TRANS_STMT_BEGIN', 'TRANS_STMT_START', 'TRANS_STMT_COMMIT', 'TRANS_STMT_SAVEPOINT', 'TRANS_STMT_RELEASE'])

/** @param {any} node @returns {Effect[]} */
function readInsert(node) {
  const conflict = node.onConflictClause
  const inserted = /** @type {Effect} */ ({ act: 'Insert', ...placeOf(node.relation) })
  return [...readQuery(node), inserted, ...(conflict?.action === 'ONCONFLICT_UPDATE' ? [updated(conflict, node.relation)] : [])]
}

/** @type {Record<string, 'Insert' | 'Update' | 'Delete'>} */
const MERGED = { CMD_INSERT: 'Insert', CMD_UPDATE: 'Update', CMD_DELETE: 'Delete' }

/** @param {any} node @returns {Effect[]} */
function readMerge(node) {
  const clauses = node.mergeWhenClauses.filter((/** @type {any} */ { MergeWhenClause: { commandType } }) => MERGED[commandType])
  return [...readQuery(node), ...clauses.map((/** @type {any} */ { MergeWhenClause: { commandType, targetList } }) => ({ act: MERGED[commandType], ...placeOf(node.relation), ...(commandType === 'CMD_INSERT' ? {} : { columns: columnsOf(targetList), where: true }) }))]
}

/**
 * What a query does beside its own act: by its WITH, its INTO and the functions it calls.
 * @param {any} node
 * @returns {Effect[]}
 */
function readQuery(node) {
  const parts = (node.withClause?.ctes ?? []).flatMap((/** @type {any} */ { CommonTableExpr: { ctequery } }) => Object.entries(ctequery).flatMap(([kind, part]) => (kind === 'SelectStmt' ? [] : effectsOfStatement({ kind, node: part }))))
  const into = node.intoClause ? [{ act: 'CreateTable', ...placeOf(node.intoClause.rel) }] : []
  return [...parts, ...functionEffects(node), ...into]
}

/**
 * @param {any} node an UPDATE, or an ON CONFLICT DO UPDATE
 * @param {any} relation
 * @returns {Effect}
 */
function updated({ targetList, whereClause }, relation) {
  const columns = columnsOf(targetList)
  const empty = nullColumns(whereClause, relation.alias?.aliasname ?? relation.relname)
  const onlyNull = columns.every((column) => empty.includes(column))
  return { act: 'Update', ...placeOf(relation), columns, onlyNull, where: Boolean(whereClause) }
}

/** @param {any[]} [targets] @returns {string[]} */
function columnsOf(targets = []) {
  return targets.map(({ ResTarget: { name } }) => name)
}

/**
 * The columns of a table that a WHERE demands to be NULL, in whichever row it lets pass.
 * @param {any} where
 * @param {string} table by which it is known: an alias hides its own name, and another table may have that
 * @returns {string[]}
 */
function nullColumns(where, table) {
  if (where?.BoolExpr?.boolop === 'AND_EXPR') return where.BoolExpr.args.flatMap((/** @type {any} */ part) => nullColumns(part, table))
  if (where?.NullTest?.nulltesttype !== 'IS_NULL') return []
  const fields = where.NullTest.arg.ColumnRef?.fields ?? []
  if (!fields.every((/** @type {any} */ field) => field.String)) return []
  const [column, qualifier] = namesOf(fields).toReversed()
  return column && (!qualifier || qualifier === table) ? [column] : []
}

/** @type {Record<string, Act>} */
const DROPPED = { OBJECT_INDEX: 'DropIndex', OBJECT_TYPE: 'DropType', OBJECT_DOMAIN: 'DropType', OBJECT_VIEW: 'DropView', OBJECT_MATVIEW: 'DropView', OBJECT_SCHEMA: 'DropSchema' }
const ON_A_TABLE = new Set(['OBJECT_TRIGGER', 'OBJECT_RULE', 'OBJECT_POLICY'])

/**
 * @param {any} object
 * @param {any} how of the DROP
 * @returns {Effect}
 */
function dropped(object, { removeType, behavior, missing_ok: ifExists, concurrent: concurrently }) {
  const names = namesOf(object.List?.items ?? object.TypeName?.names ?? object.ObjectWithArgs?.objname ?? [object])
  const [name, owner, schema] = names.toReversed()
  const how = { ifExists, concurrently, cascade: behavior === 'DROP_CASCADE' }
  if (removeType === 'OBJECT_TABLE') return { act: 'DropTable', table: name, schema: owner, ...how }
  if (ON_A_TABLE.has(removeType)) return { act: 'DropOther', table: owner, schema, name, ...how }
  return { act: DROPPED[removeType] ?? 'DropOther', schema: owner, name, ...how }
}

/** @type {Record<string, Act>} */
const RENAMED = { OBJECT_TABLE: 'RenameTable', OBJECT_COLUMN: 'RenameColumn', OBJECT_INDEX: 'RenameIndex', OBJECT_TABCONSTRAINT: 'RenameConstraint', OBJECT_TYPE: 'RenameType' }

/** @param {any} node @returns {Effect[]} */
function readRename({ renameType, relationType, relation, object, subname, newname: newName, missing_ok: ifExists }) {
  const act = RENAMED[renameType]
  if (!act || (act === 'RenameColumn' && relationType !== 'OBJECT_TABLE')) return [unknown(relation)]
  if (act === 'RenameType') return [{ act, ...named(object.List.items), newName, ifExists }]
  if (act === 'RenameIndex') return [{ act, schema: relation.schemaname, name: relation.relname, newName, ifExists }]
  return [{ act, ...placeOf(relation), name: subname, newName, ifExists }]
}

/**
 * @param {any[]} names
 * @returns {{name?: string, schema?: string}}
 */
function named(names) {
  const [name, schema] = namesOf(names).toReversed()
  return { name, schema }
}
