// @ts-check
/** What one command of an ALTER TABLE does. Pure; the caller adds the table's name. */
import { columnsIn, defaultOf } from './expressions.js'
import { isSerial, spell } from './types.js'

/** @typedef {import('./statements.js').Effect} Effect */

/**
 * @param {any} command an AlterTableCmd
 * @returns {Effect[]}
 */
export function commandEffects(command) {
  return COMMANDS[command.subtype]?.(command) ?? (HARMLESS.has(command.subtype) ? [] : [{ act: 'Unknown', name: command.name }])
}

/** Settings of the planner, of the storage and of autovacuum. */
const HARMLESS = new Set([
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_ReplaceRelOptions',
  'AT_ReplicaIdentity',
  'AT_ResetOptions',
  'AT_ResetRelOptions',
  'AT_SetCompression',
  'AT_SetOptions',
  'AT_SetRelOptions',
  'AT_SetStatistics',
  'AT_SetStorage',
])

/** @type {Record<string, (command: any) => Effect[]>} by the parser's name of a command */
const COMMANDS = {
  AT_AddColumn: ({ def, missing_ok: ifNotExists }) => addedColumn(def.ColumnDef, ifNotExists),
  AT_AddConstraint: ({ def }) => constraintEffects(def.Constraint),
  AT_AddIdentity: ({ name }) => [{ act: 'SetDefault', name, default: 'volatile' }],
  AT_AlterColumnType: ({ name, def: { ColumnDef: column } }) => [{ act: 'RetypeColumn', name, type: spell(column.typeName), using: Boolean(column.raw_default) }],
  AT_ColumnDefault: ({ name, def }) => [def ? { act: 'SetDefault', name, default: defaultOf(def) } : { act: 'DropDefault', name }],
  AT_DropColumn: ({ name, missing_ok: ifExists, behavior }) => [{ act: 'DropColumn', name, ifExists, cascade: behavior === 'DROP_CASCADE' }],
  AT_DropConstraint: ({ name, missing_ok: ifExists, behavior }) => [{ act: 'DropConstraint', name, ifExists, cascade: behavior === 'DROP_CASCADE' }],
  AT_DropIdentity: ({ name, missing_ok: ifExists }) => [{ act: 'DropDefault', name, ifExists }],
  AT_DropNotNull: ({ name }) => [{ act: 'DropNotNull', name }],
  AT_SetIdentity: ({ name }) => [{ act: 'SetDefault', name, default: 'volatile' }],
  AT_SetNotNull: ({ name }) => [{ act: 'SetNotNull', name }],
  AT_ValidateConstraint: ({ name }) => [{ act: 'ValidateConstraint', name }],
}

/**
 * @param {any} column a ColumnDef
 * @param {boolean} ifNotExists
 * @returns {Effect[]} the column, then the constraints that come with it, if it comes
 */
function addedColumn({ colname: name, typeName, constraints = [] }, ifNotExists) {
  const all = constraints.map((/** @type {any} */ { Constraint }) => Constraint)
  const notNull = isSerial(typeName) || all.some((/** @type {any} */ { contype }) => NOT_NULL.has(contype))
  const added = /** @type {Effect} */ ({ act: 'AddColumn', name, type: spell(typeName), default: columnDefault(typeName, all), notNull, ifNotExists })
  return [added, ...all.flatMap(constraintEffects).map((/** @type {Effect} */ effect) => ({ ...effect, conditional: ifNotExists }))]
}

const NOT_NULL = new Set(['CONSTR_NOTNULL', 'CONSTR_PRIMARY', 'CONSTR_IDENTITY'])

/**
 * @param {any} typeName
 * @param {any[]} constraints
 */
function columnDefault(typeName, constraints) {
  if (isSerial(typeName)) return 'volatile'
  for (const { contype, raw_expr: expression, generated_kind: kind } of constraints) {
    if (contype === 'CONSTR_DEFAULT') return defaultOf(expression)
    if (contype === 'CONSTR_IDENTITY') return 'volatile'
    if (contype === 'CONSTR_GENERATED') return kind === 's' ? 'volatile' : 'constant' // a virtual column is stored nowhere
  }
  return 'none'
}

/** @type {Record<string, import('./statements.js').ConstraintKind>} */
const KINDS = { CONSTR_FOREIGN: 'foreignKey', CONSTR_CHECK: 'check', CONSTR_UNIQUE: 'unique', CONSTR_EXCLUSION: 'exclusion', CONSTR_PRIMARY: 'primaryKey' }

/**
 * @param {any} constraint a Constraint; NOT NULL of a column is a fact of the column, and a default is none
 * @returns {Effect[]}
 */
export function constraintEffects({ contype, conname: name, keys, pktable, indexname, skip_validation: skipped, is_enforced: enforced, raw_expr: expression, exclusions, where_clause: where }) {
  const ofTable = contype === 'CONSTR_NOTNULL' && keys
  const constraint = ofTable ? 'notNull' : KINDS[contype]
  if (!constraint) return []
  const checked = constraint === 'foreignKey' || constraint === 'check'
  const columns = columnsIn([expression, exclusions, where])
  return [{ act: 'AddConstraint', name, constraint, columns, references: pktable?.relname, notValid: skipped || (checked && !enforced), using: Boolean(indexname) }]
}
