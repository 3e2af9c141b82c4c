import { expect, test } from 'vitest'
import { writeAccessLine } from './access-line.ts'
import { createLog } from './log.ts'

const line = {
  requestId: 'r-1',
  method: 'GET',
  url: '/api/items?page[size]=5',
  route: '/api/items',
  status: 200,
  durationMs: 0.25,
  ip: '127.0.0.1',
}

function capture(level: 'debug' | 'info', process?: string) {
  const raw: string[] = []
  return { raw, log: createLog({ level, process, stream: { write: (text) => void raw.push(text) } }) }
}

test.each([
  { what: 'an ordinary request', change: {} },
  {
    what: 'quotes, line breaks and what is no Unicode',
    change: { url: '/"\\\n\u2028\ud800\u0000', route: '/"', ip: '"\n', requestId: '"' },
  },
  { what: 'a client that has gone', change: { ip: undefined } },
  { what: 'secrets in the query string', change: { url: '/callback?token=canary&password=canary' } },
  { what: 'one of several processes', change: {}, process: 'worker 2' },
])('$what: the line is the one that the logger would have written', ({ change, process }) => {
  const { log, raw } = capture('info', process)
  writeAccessLine(log, 'info', { ...line, ...change })
  log.info({ ...line, ...change }, 'request')
  const withoutTime = raw.map((text) => text.replace(/"time":"[^"]+Z"/, '"time":"…Z"'))
  expect(withoutTime[0]).toBe(withoutTime[1])
  expect(withoutTime[0]).toContain('"time":"…Z"')
  expect(withoutTime[0]).not.toContain('canary')
  expect(JSON.parse(raw[0] ?? '')).toHaveProperty('message', 'request')
  expect((JSON.parse(raw[0] ?? '') as { process?: string }).process).toBe(process)
})

test('a line below the level of the log is not written', () => {
  const { log, raw } = capture('info')
  writeAccessLine(log, 'debug', line)
  expect(raw).toEqual([])
})
