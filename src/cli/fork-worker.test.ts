import { expect, onTestFinished, test, vi } from 'vitest'
import { Supervisor } from '../core/processes/supervisor.ts'
import { Switchboard } from '../core/processes/switchboard.ts'
import { createLog } from '../core/log.ts'
import { forkWorker } from './fork-worker.ts'

/** As after an update of Node, or when the system has no process left. */
function withoutNode(): void {
  const { execPath } = process
  process.execPath = '/nonexistent/node'
  onTestFinished(() => {
    process.execPath = execPath
  })
}

const nobody = { args: [], onHello: () => undefined, onReady: () => undefined }

test('a process that the system does not start is one that has ended, and says why', async () => {
  withoutNode()
  const worker = forkWorker({ number: 1, switchboard: new Switchboard(), ...nobody })
  expect(await worker.exited).toEqual({ code: 1, signal: null, reason: expect.stringContaining('ENOENT') })
  for (const ask of [worker.retire, worker.stop]) expect(ask).not.toThrow()
})

test('a service whose new processes cannot be started is told so and nothing else happens', async () => {
  withoutNode()
  const write = vi.fn<(line: string) => void>()
  const supervisor = new Supervisor({
    count: 1,
    log: createLog({ level: 'info', stream: { write } }),
    stopMs: () => 1_000,
    fork: (number) => forkWorker({ number, switchboard: new Switchboard(), ...nobody }),
  })
  expect(await supervisor.start()).toMatchObject({ reason: expect.stringContaining('ENOENT') })
  await supervisor.stop()
})
