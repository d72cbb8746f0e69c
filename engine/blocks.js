// @ts-check
/**
 * What a DO block does: PostgreSQL's PL/pgSQL compiler takes it apart, and each piece of SQL in it is read as if it stood alone.
 */
import { functionEffects } from './expressions.js'
import { expressionOf, parseBlock } from './parser.js'
import { unknown } from './statements.js'

/** @typedef {import('./statements.js').Effect} Effect */
/** @typedef {(sql: string) => Promise<Effect[]>} Read reads SQL that stands within a block */
/** @typedef {{sql: string, use: 'statement' | 'expression' | 'assignment' | 'dynamic', conditional: boolean}} Piece */

/** plpgsql's name for text that is a whole statement, in its parser's RawParseMode. Assignments have the modes from 3 on. */
const STATEMENT = 0
const EXPRESSION = 2

/** Where the compiler puts what may not run. */
const BRANCHES = new Set(['then_body', 'elsif_list', 'else_body', 'case_when_list', 'else_stmts', 'exceptions'])
/** Where it puts SQL that is made at run time. */
const DYNAMIC = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors'])

/**
 * @param {import('./parser.js').ParsedStatement} statement a DoStmt
 * @param {Read} read
 * @returns {Promise<Effect[]>}
 */
export async function effectsOfBlock({ node, text }, read) {
  const block = languageOf(node) === 'plpgsql' ? await parseBlock(text) : null
  if (!block) return [unknown()]
  const early = leavesEarly(block)
  const undone = JSON.stringify(block).includes('"PLpgSQL_stmt_rollback"') ? [unknown()] : []
  const told = [...pieces(block, early)].map(async (piece) => {
    const found = await effectsOfPiece(piece, read)
    return found.map((effect) => (piece.conditional ? { ...effect, conditional: true } : effect))
  })
  return [...(await Promise.all(told)).flat(), ...undone]
}

/** @param {any} node */
function languageOf(node) {
  const named = node.args.find((/** @type {any} */ { DefElem }) => DefElem.defname === 'language')
  return named?.DefElem.arg.String.sval ?? 'plpgsql'
}

/**
 * Whether the block can end before its end: what follows may not run then. The compiler itself adds one RETURN at the end.
 * @param {any} block
 */
function leavesEarly(block) {
  const text = JSON.stringify(block)
  return text.includes('"PLpgSQL_stmt_exit"') || text.split('"PLpgSQL_stmt_return"').length > 2
}

/**
 * The pieces of SQL in a part of a compiled block, in its order: a loop's body comes before what it loops over.
 * @param {any} part
 * @param {boolean} conditional
 * @param {string} within the name of the node that holds it
 * @returns {Generator<Piece>}
 */
function* pieces(part, conditional, within = '') {
  if (!(part instanceof Object)) return
  for (const [name, value] of Object.entries(part)) {
    if (name === 'PLpgSQL_expr') yield { sql: value.query, use: useOf(within, value.parseMode), conditional }
    else if (Array.isArray(part)) yield* pieces(value, conditional, within)
    else yield* pieces(value, conditional || mayNotRun(name, part, within), isNode(name) ? name : `${within}.${name}`)
  }
}

/** @param {string} name */
function isNode(name) {
  return name.startsWith('PLpgSQL_')
}

/**
 * @param {string} within
 * @param {number} mode
 * @returns {Piece['use']}
 */
function useOf(within, mode) {
  const [node = '', field] = within.split('.')
  if (field === 'dynquery' || (DYNAMIC.has(node) && field === 'query')) return 'dynamic'
  if (mode === STATEMENT) return 'statement'
  return mode === EXPRESSION ? 'expression' : 'assignment'
}

/**
 * Whether a field holds what may not run. The body of a block always runs, unless an error in it is caught.
 * @param {string} field
 * @param {any} node
 * @param {string} within
 */
function mayNotRun(field, node, within) {
  if (field !== 'body') return BRANCHES.has(field)
  return within !== 'PLpgSQL_stmt_block' || node.exceptions !== undefined
}

/**
 * @param {Piece} piece
 * @param {Read} read
 * @returns {Promise<Effect[]>}
 */
async function effectsOfPiece({ sql, use }, read) {
  if (use === 'statement') return read(sql)
  const expression = await expressionOf(use === 'assignment' ? assigned(sql) : sql)
  const found = expression ? functionEffects(expression) : [unknown()]
  if (use !== 'dynamic') return found.map((effect) => ({ text: sql, ...effect }))
  const text = constantText(expression)
  return text === null ? [{ ...unknown(), text: `EXECUTE ${sql}` }] : read(text)
}

/** What stands to the right of an assignment. @param {string} sql */
function assigned(sql) {
  return sql.slice(sql.search(/:?=/)).replace(/^:?=/, '')
}

/**
 * The text that a constant expression stands for; null where it depends on anything.
 * @param {any} expression
 * @returns {string | null}
 */
function constantText(expression) {
  if (expression?.A_Const?.sval) return expression.A_Const.sval.sval ?? ''
  const joined = expression?.A_Expr
  if (joined?.name?.[0]?.String?.sval !== '||') return null
  const [left, right] = [constantText(joined.lexpr), constantText(joined.rexpr)]
  return left === null || right === null ? null : left + right
}
