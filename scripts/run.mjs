// Runs one program in the foreground: it has our terminal, gets our signals, and we end as it ended.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { deadlineMs?: number }} [options]
 * @returns {Promise<number>} the exit code; 128 + signal number when a signal ended it, as a shell says it; 124 after the deadline
 */
export function run(command, args, { deadlineMs, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options })
    let overdue = false
    const stopForwarding = forwardSignals(child)
    const stopClock = onDeadline(deadlineMs, () => {
      overdue = true
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
    })
    const stopWatching = whenNpmDies(() => child.kill('SIGTERM'))
    const settle = () => (stopForwarding(), stopClock(), stopWatching())
    child.once('error', (error) => (settle(), reject(error)))
    child.once('exit', (code, signal) => (settle(), resolve(overdue ? 124 : (code ?? 128 + constants.signals[signal]))))
  })
}

/** A terminal sends Ctrl-C to the child as well; forwarded, it would arrive twice. */
function forwardSignals(child) {
  const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const forward = (signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of forwarded) process.on(signal, forward)
  return () => forwarded.forEach((signal) => process.off(signal, forward))
}

/** A killed npm cannot tell us. Its scripts are written with `exec`, so that npm is our parent and not a shell that drops signals. */
function whenNpmDies(end) {
  if (process.env.npm_lifecycle_event === undefined) return () => undefined
  const parent = process.ppid
  const timer = setInterval(() => process.ppid !== parent && end(), 500)
  return () => clearInterval(timer)
}

function onDeadline(deadlineMs, end) {
  if (deadlineMs === undefined) return () => undefined
  const timer = setTimeout(() => end(), deadlineMs)
  return () => clearTimeout(timer)
}
