// @ts-check
/** The judge as its asker sees it, for the tests: a process, lines in, lines out. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
const SAMPLES = new URL('../../tests/data/judge/', import.meta.url)

/**
 * Sends lines, closes the input, and gives back what came out.
 * @param {string[]} lines
 * @param {string[]} [options] of Node
 */
export async function run(lines, options = []) {
  const judge = spawn(process.execPath, ['--liftoff-only', ...options, MAIN], { stdio: ['pipe', 'pipe', 'pipe'] })
  const [out, err] = [judge.stdout, judge.stderr].map((stream) => stream.setEncoding('utf8').toArray())
  judge.stdin.end(lines.map((line) => line + '\n').join(''))
  const [code] = await once(judge, 'close')
  const text = (await out)?.join('') ?? ''
  return { code, text, stderr: (await err)?.join('') ?? '', answers: text.split('\n').filter(Boolean).map((line) => JSON.parse(line)) }
}

/** A judge that is asked one question after the other. */
export class Conversation {
  judge = spawn(process.execPath, ['--liftoff-only', MAIN], { stdio: ['pipe', 'pipe', 'inherit'] })
  answers = createInterface({ input: this.judge.stdout })[Symbol.asyncIterator]()

  /**
   * @param {string} method
   * @param {object} params
   */
  async ask(method, params) {
    this.judge.stdin.write(JSON.stringify({ id: method, method, params }) + '\n')
    const { value } = await this.answers.next()
    return JSON.parse(value ?? 'null')
  }

  /** The exit code. */
  async end() {
    this.judge.stdin.end()
    const [code] = await once(this.judge, 'close')
    return code
  }
}

/**
 * Asks one question.
 * @param {string} method
 * @param {object} params
 */
export async function ask(method, params) {
  const { answers } = await run([JSON.stringify({ id: 1, method, params })])
  return answers[0]
}

/**
 * The sample requests of a file, each with its answer.
 * @param {string} name
 * @returns {{request: any, answer: any}[]}
 */
export function samples(name) {
  const lines = readFileSync(new URL(name, SAMPLES), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  return lines.flatMap((request, index) => (index % 2 ? [] : [{ request, answer: lines[index + 1] }]))
}

/**
 * A server that answers whatever it is sent first with one message, for the length of `use`; `received` is what came after that.
 * @param {Buffer | string} message
 * @param {(port: number, received: () => string) => Promise<void>} use
 */
export async function withServer(message, use) {
  const later = /** @type {Buffer[]} */ ([])
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.on('data', (data) => later.push(data)).write(message))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  try {
    await use(port, () => Buffer.concat(later).toString('latin1'))
  } finally {
    server.close()
  }
}
