// @ts-check
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, run, samples, withServer } from './judge.js'

const MIGRATIONS = [{ name: '20250101000000_any', path: new URL('../../schema.prisma', import.meta.url).pathname }]
const connection = { host: '127.0.0.1', port: 1, database: 'd', user: 'u', password: 'never-to-be-seen', sslmode: 'disable', schema: 'public' }

/**
 * PostgreSQL's message of one kind. https://www.postgresql.org/docs/current/protocol-message-formats.html
 * @param {string} kind
 * @param {Buffer} body
 */
function message(kind, body) {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(kind), length, body])
}

test('samples of hello and parse are answered as written', async () => {
  const pairs = [...samples('hello.jsonl'), ...samples('parse.jsonl')]
  const { answers, code, stderr } = await run(pairs.map(({ request }) => JSON.stringify(request)))
  for (const { answer } of pairs) if (answer.result?.node) answer.result.node = process.versions.node
  assert.deepEqual(answers, pairs.map(({ answer }) => answer))
  assert.equal(code, 0)
  assert.equal(stderr, '')
})

test('no input is no output', async () => {
  assert.deepEqual(await run([]), { code: 0, text: '', stderr: '', answers: [] })
})

test('a line that is no request is told, is not repeated, and is not the last', async () => {
  const { answers, text } = await run(['{"password": "never-to-be-seen"', 'null', '{"id": "x", "method": "constructor"}', '{"id": 2, "method": "parse"}', '{"id": 3, "method": "parse", "params": {"sql": ""}}'])
  assert.deepEqual(answers.map(({ id }) => id), [null, null, 'x', 2, 3])
  assert.deepEqual(answers.map(({ error }) => error?.message), [
    'cannot read a request: the line is not a JSON object',
    'cannot read a request: the line is not a JSON object',
    'cannot answer: no method "constructor"',
    'cannot parse: parameter sql is missing',
    undefined,
  ])
  assert.ok(!text.includes('never-to-be-seen'))
})

test('the sample of a refused password is answered as written', async () => {
  const { request, answer } = /** @type {any} */ (samples('diagnose.jsonl').find(({ answer }) => answer.error))
  const refusal = Buffer.from(`SFATAL\0VFATAL\0C${answer.error.sqlstate}\0M${answer.error.message}\0DKey (email)=(somebody's row)\0\0`)
  await withServer(message('E', refusal), async (port) => {
    const { answers } = await run([JSON.stringify({ ...request, params: { migrations: MIGRATIONS, connection: { ...connection, port } } })])
    assert.deepEqual(answers, [answer])
  })
})

for (const [name, request] of Object.entries({ 'in clear': Buffer.from([0, 0, 0, 3]), 'as MD5': Buffer.from([0, 0, 0, 5, 1, 2, 3, 4]) })) {
  test(`a server that wants the password ${name} does not get it`, async () => {
    await withServer(message('R', request), async (port, received) => {
      const { error } = await ask('diagnose', { connection: { ...connection, port }, migrations: MIGRATIONS })
      assert.deepEqual([error.code, error.message], ['P1000', 'the server asks for a password other than by scram-sha-256'])
      assert.equal(received(), '')
    })
  })
}

test('a server that has no TLS is not spoken to in clear', async () => {
  await withServer('N', async (port, received) => {
    const { error } = await ask('diagnose', { connection: { ...connection, port, sslmode: 'require' }, migrations: MIGRATIONS })
    assert.equal(error.code, 'P1011')
    assert.equal(received(), '')
  })
})

for (const [name, change, code] of /** @type {const} */ ([
  ['a port nobody listens on', { port: 1 }, 'P1001'],
  ['a host that does not exist', { host: 'no-such-host.invalid' }, 'P1001'],
  ['an sslmode that is not ours', { sslmode: 'prefer' }, null],
  ['verify-full without a CA', { sslmode: 'verify-full' }, null],
])) {
  test(`${name} is told`, async () => {
    const { error } = await ask('diagnose', { connection: { ...connection, ...change }, migrations: MIGRATIONS })
    assert.equal(error.code, code)
    assert.equal(error.sqlstate, null)
    assert.ok(!JSON.stringify(error).includes(connection.password))
  })
}

test('a panic that is thrown to nobody is told, and is the end', async () => {
  const panic = `import { Socket } from 'node:net'
    const { connect } = Socket.prototype
    Socket.prototype.connect = function (...to) {
      setImmediate(() => { throw new WebAssembly.RuntimeError('unreachable') })
      return connect.apply(this, to)
    }`
  await withServer('', async (port) => {
    const question = JSON.stringify({ id: 9, method: 'diagnose', params: { connection: { ...connection, port }, migrations: MIGRATIONS } })
    const { code, answers } = await run([question, question], ['--import', `data:text/javascript,${encodeURIComponent(panic)}`])
    assert.deepEqual([code, answers.length, answers[0].id, answers[0].error.message], [70, 1, 9, 'the engine panicked: unreachable'])
  })
})

test('no migrations are an error, not a finished database', async () => {
  const { error } = await ask('diagnose', { connection, migrations: [] })
  assert.equal(error.message, 'cannot diagnose: no migrations are given')
})
