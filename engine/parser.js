// @ts-check
/**
 * PostgreSQL's own parser. It counts bytes of UTF-8; the server's error positions and Python's strings count characters, and so does what leaves this module.
 */
import { hasSqlDetails, parse as parseTree } from 'libpg-query'
import { JudgeError } from './errors.js'

/** @typedef {{kind: string, start: number, end: number, text: string}} Statement */
/** @typedef {Statement & {node: any}} ParsedStatement a statement with its tree */

const SYNTAX_ERROR = '42601'

/**
 * The statements of a script. Since PostgreSQL 18 the parser begins a statement behind the blanks and comments before it.
 * @param {string} sql
 * @returns {Promise<ParsedStatement[]>}
 * @throws {JudgeError} with the position, where it does not parse
 */
export async function statementsOf(sql) {
  if (sql === '') return [] // the package refuses it
  const bytes = Buffer.from(sql)
  const { stmts = [] } = await parseTree(sql).catch((error) => {
    throw syntaxError(error, bytes)
  })
  const counted = countCharacters(bytes)
  return stmts.map(({ stmt, stmt_location: location = 0, stmt_len: length }) => {
    const [kind = '', node] = Object.entries(stmt ?? {})[0] ?? []
    const text = bytes.toString('utf8', location, length ? location + length : undefined).trimEnd()
    const start = counted(location)
    return { kind, start, end: start + lengthOf(text), text, node }
  })
}

/**
 * The answer to `parse`.
 * @param {{sql: string}} params
 * @returns {Promise<{statements: Statement[]}>}
 */
export async function parse({ sql }) {
  const statements = await statementsOf(sql)
  return { statements: statements.map(({ kind, start, end, text }) => ({ kind, start, end, text })) }
}

/**
 * Characters before a byte. Calls must come with rising offsets: so a script is counted once, not once a statement.
 * @param {Buffer} bytes
 */
function countCharacters(bytes) {
  let [offset, count] = [0, 0]
  return (/** @type {number} */ until) => {
    count += lengthOf(bytes.toString('utf8', offset, until))
    offset = until
    return count
  }
}

/** Characters, not UTF-16 units. @param {string} text */
function lengthOf(text) {
  return [...text].length
}

/**
 * @param {unknown} error
 * @param {Buffer} bytes
 */
function syntaxError(error, bytes) {
  if (!hasSqlDetails(error)) return error
  return new JudgeError(error.message, { sqlstate: SYNTAX_ERROR, position: (error.sqlDetails?.cursorPosition ?? 0) + 1, cause: error })
}
