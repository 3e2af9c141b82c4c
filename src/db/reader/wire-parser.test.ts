import { array, assert, nat, property } from 'fast-check'
import { expect, test } from 'vitest'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { createReader } from './reader.ts'
import { WireParser } from './wire-parser.ts'

/** What PostgreSQL really sends for a session with small and large rows, NULLs, no rows, no columns, an error and a notice. */
async function recordSession(): Promise<Buffer> {
  const url = new URL(testDatabase().url)
  const proxy = await startTcpProxy(Number(url.port))
  url.port = String(proxy.port)
  const reader = createReader({ connection: { connectionString: url.href }, connections: 1, statementTimeoutMs: 5_000, kind: 'thin' })
  const texts = [
    `select i, repeat('x', i), null, '' from generate_series(1, 30) i`,
    `select repeat('y', 3000)`,
    `select 1 / (5 - i) from generate_series(1, 10) i`,
    `select 1 where false`,
    `select`,
    `do $$ begin raise notice 'a notice'; end $$`,
  ]
  await Promise.allSettled(texts.map((text, index) => reader.read({ text, values: [], name: `n${index}` })))
  await reader.close()
  await proxy.close()
  const greeting = proxy.fromServer.findIndex((chunk) => chunk.subarray(-6, -1).equals(Buffer.from('5a00000005', 'hex')))
  return Buffer.concat(proxy.fromServer.slice(greeting + 1))
}

/** Rows and other messages as text, from chunks that end where they want. */
function parse(chunks: readonly Buffer[]): string[] {
  const seen: string[] = []
  const parser = new WireParser(
    {
      row: (buffer, start, length) => seen.push(`row ${buffer.toString('latin1', start, start + length)}`),
      message: (type, buffer, start, end) => seen.push(`${String.fromCharCode(type)} ${buffer.toString('latin1', start, end)}`),
    },
    100_000,
  )
  // A chunk of its own memory each, as from a socket.
  for (const chunk of chunks) parser.push(Buffer.from(chunk))
  return seen
}

function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const edges = [0, ...positions.toSorted((a, b) => a - b), bytes.length]
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
}

test('the same rows and messages come out however the bytes are cut into chunks', async () => {
  const bytes = await recordSession()
  const whole = parse([bytes])
  expect(whole.filter((message) => message.startsWith('row')).length).toBeGreaterThan(31)
  expect([...new Set(whole.map((message) => message[0]))].toSorted().join('')).toBe('12CENZr')
  expect(parse(cut(bytes, [...bytes.keys()]))).toEqual(whole)
  assert(
    property(array(nat(bytes.length), { maxLength: 60 }), (positions) => {
      expect(parse(cut(bytes, positions))).toEqual(whole)
    }),
    { numRuns: 300 },
  )
})

test('a row that lies in one chunk is not copied, and one that two chunks share is assembled once', () => {
  const message = Buffer.from('44000000100001000000067365637265740000', 'hex').subarray(0, 17)
  const buffers: Buffer[] = []
  const parser = new WireParser({ row: (buffer) => buffers.push(buffer), message: () => undefined }, 1_000)
  const chunk = Buffer.concat([message, message, message.subarray(0, 9)])
  parser.push(chunk)
  parser.push(message.subarray(9))
  expect(buffers.map((buffer) => buffer.buffer === chunk.buffer && buffer.byteOffset === chunk.byteOffset)).toEqual([true, true, false])
  expect(buffers[2]).toEqual(message)
})

test('a message whose length cannot be is refused as not the protocol', () => {
  expect(() => parse([Buffer.from('5a00000003', 'hex')])).toThrow(expect.objectContaining({ code: 'READER_PROTOCOL' }))
  expect(() => parse([Buffer.from('48545450', 'hex'), Buffer.from('2f312e31', 'hex')])).toThrow(
    expect.objectContaining({ code: 'READER_PROTOCOL' }),
  )
})

test('a row larger than the limit is refused before its memory is taken', () => {
  expect(() => parse([Buffer.from('447fffffff', 'hex')])).toThrow(expect.objectContaining({ code: 'READER_RESULT_TOO_LARGE' }))
})
