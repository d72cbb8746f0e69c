// @ts-check
/**
 * PostgreSQL's own parser. It counts bytes of UTF-8; the server's error positions and Python's strings count characters, and so does what leaves this module.
 */
import { hasSqlDetails, parse as parseTree } from 'libpg-query'
import { JudgeError } from './errors.js'

/** @typedef {{kind: string, start: number, end: number, text: string}} Statement */
/** @typedef {Statement & {node: any}} ParsedStatement a statement with its tree */

const SYNTAX_ERROR = '42601'
/** What may stand before a statement: the parser counts it in. Block comments nest, hence no pattern for their end. */
const BLANK = /^(?:\s+|--[^\n]*)/

/**
 * The statements of a script.
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
    const raw = bytes.toString('utf8', location, length ? location + length : undefined)
    const [kind = '', node] = Object.entries(stmt ?? {})[0] ?? []
    const text = withoutLeadingBlanks(raw).trimEnd()
    const start = counted(location) + lengthOf(raw.slice(0, raw.length - withoutLeadingBlanks(raw).length))
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

/** @param {string} text */
function withoutLeadingBlanks(text) {
  let rest = text
  for (;;) {
    const blank = BLANK.exec(rest)?.[0].length ?? blockComment(rest)
    if (blank === 0) return rest
    rest = rest.slice(blank)
  }
}

/**
 * The length of a block comment at the beginning, 0 for none. https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-COMMENTS
 * @param {string} text
 */
function blockComment(text) {
  if (!text.startsWith('/*')) return 0
  let depth = 0
  for (const mark of text.matchAll(/\/\*|\*\//g)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.index + 2
  }
  return text.length
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
