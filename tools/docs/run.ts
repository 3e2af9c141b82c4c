// Runs the shell blocks of a page in the order of the page, and compares what they print with the blocks that show it.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/support/postgres-server.ts'
import { root } from '../source-files.ts'
import { kindOf } from './block-kinds.ts'
import type { Block, Page } from './page.ts'
import { folderOf } from './workspace.ts'

const blockDeadlineMs = 120_000
const readyDeadlineMs = 60_000
const stopDeadlineMs = 15_000
/** The port that pages show; runs get a free one in its place. */
const shownPort = '8080'

/** Files of an application must have been written before: `typeProblems` does. */
export async function runProblems(page: Page): Promise<string[]> {
  const port = String(await freePort())
  const servers: ChildProcess[] = []
  let printed = ''
  try {
    for (const block of page.blocks) {
      const kind = kindOf(block)
      if (kind === 'background') servers.push(await startBlock(page, block, port))
      if (kind === 'run') printed = runBlock(page, block, port)
      if (kind === 'output' && !matches(printed, block.code))
        return [`${page.path}:${block.line} Not what the block above prints:\n${printed}`]
    }
    return []
  } catch (error) {
    return [String(error instanceof Error ? error.message : error)]
  } finally {
    await Promise.all(servers.map(stop))
  }
}

function runBlock(page: Page, block: Block, port: string): string {
  const { stdout, stderr, status, error } = spawnSync(
    'bash',
    ['--norc', '-euo', 'pipefail', '-c', block.code.replaceAll(shownPort, port)],
    {
      ...surroundings(page, block, port),
      encoding: 'utf8',
      timeout: blockDeadlineMs,
    },
  )
  if (status !== 0) throw new Error(`${page.path}:${block.line} The block fails: ${error?.message ?? `exit ${status}`}\n${stdout}${stderr}`)
  return stdout
}

/** `background: /health`: goes on when that address answers. */
async function startBlock(page: Page, block: Block, port: string): Promise<ChildProcess> {
  const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', block.code.replaceAll(shownPort, port)], {
    ...surroundings(page, block, port),
    stdio: 'ignore',
    detached: true,
  })
  const address = `http://127.0.0.1:${port}${block.directives.get('background') ?? ''}`
  for (const deadline = Date.now() + readyDeadlineMs; !(await answers(address)); await sleep(200)) {
    if (child.exitCode === null && Date.now() < deadline) continue
    await stop(child)
    throw new Error(`${page.path}:${block.line} ${address} does not answer.`)
  }
  return child
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(address, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false // not listening yet
  }
}

function surroundings(page: Page, block: Block, port: string): { cwd: string; env: NodeJS.ProcessEnv } {
  const cwd = folderOf(page, block)
  mkdirSync(cwd, { recursive: true })
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  return { cwd, env: { ...process.env, PATH: path, CI: 'true', NO_COLOR: '1', API_PORT: port } }
}

/** The block is the leader of a process group of its own, so that what it has started ends with it. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  const group = -child.pid
  process.kill(group, 'SIGTERM')
  const timer = setTimeout(() => process.kill(group, 'SIGKILL'), stopDeadlineMs)
  await exited
  clearTimeout(timer)
}

/** The lines shown must be printed, in this order; `…` stands for anything. JSON may be laid out differently. */
export function matches(printed: string, shown: string): boolean {
  const pattern = compact(shown)
    .split('\n')
    .map((line) => line.trim().split('…').map(literally).join('.*'))
    .join('[^]*')
  return new RegExp(pattern).test(compact(printed))
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return text.trim()
  }
}
