// Where log lines go: readable on a terminal in development; JSON to standard output and rotated files in production.

import { createRequire } from 'node:module'
import type { DestinationStream } from 'pino'
import type pretty from 'pino-pretty'
import type { LogConfig } from './config.ts'
import { hideValues } from './redact.ts'
import { RotatingFile } from './rotating-file.ts'

export interface LogStream extends DestinationStream {
  /** Writes what is still held back, before it returns. */
  flushSync(): void
  /** The same, in the form `log.flush()` looks for. */
  flush(done?: () => void): void
  /** Flushes and gives up files and timers. */
  close(): void
}

/** A place for whole chunks of lines. */
export interface LogSink {
  write(chunk: string): void
  close?(): void
}

/** Longest time a line is held back so that it can be written together with others. */
const holdMs = 50
/** Characters after which lines are written at once: some 300 access lines. */
const holdCharacters = 65_536

// NUL to US but tab and newline, DEL and C1: a terminal takes some of them for commands.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * The stream `config` asks for.
 *
 * @param name     of the process, for its log file: `api`, `worker`
 * @param secrets  values that must not appear in any line, however they got there
 */
export function openLogStream(
  config: LogConfig,
  name: string,
  secrets: readonly string[] = [],
  stdout: NodeJS.WritableStream = process.stdout,
): LogStream {
  const hide = hideValues(secrets)
  stdout.off('error', survive).on('error', survive)
  if (config.pretty) return prettyStream(stdout, hide)
  const sinks: LogSink[] = [{ write: (chunk) => stdout.write(chunk) }]
  if (config.directory !== undefined)
    sinks.push(new RotatingFile({ directory: config.directory, name, fileBytes: config.fileBytes, files: config.files }))
  return new BufferedStream(sinks, hide)
}

/** `plinth start | head` closes the pipe; that must not be a crash. One function, however many logs a process opens. */
function survive(): void {}

/** Lines for people, at once. Colours only where the terminal shows them. */
function prettyStream(stdout: NodeJS.WritableStream, hide: (line: string) => string): LogStream {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof pretty // production does without its 30 modules
  const format = prettyFactory({
    colorize: 'isTTY' in stdout && stdout.isTTY === true,
    messageKey: 'message',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
    messageFormat: (line, key) => escapeControls(typeof line[key] === 'string' ? line[key] : ''),
  })
  return { write: (line) => void stdout.write(hide(format(line))), flushSync: () => {}, flush: (done) => done?.(), close: () => {} }
}

/** Control characters as `\u001b`, so that a log line cannot move a cursor or start a new line. */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Holds lines for a moment: writing and searching 64 KB at once costs little more than 200 bytes. Flushes by itself when the process exits. */
export class BufferedStream implements LogStream {
  readonly #sinks: readonly LogSink[]
  readonly #flushOnExit = (): void => this.flushSync()
  readonly #hide: (chunk: string) => string
  #held = ''
  #timer: NodeJS.Timeout | undefined

  constructor(sinks: readonly LogSink[], hide: (chunk: string) => string = (chunk) => chunk) {
    this.#sinks = sinks
    this.#hide = hide
    process.on('exit', this.#flushOnExit)
  }

  write(line: string): void {
    this.#held += line
    if (this.#held.length >= holdCharacters) this.flushSync()
    else this.#timer ??= setTimeout(this.#flushOnExit, holdMs).unref()
  }

  flushSync(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const chunk = escapeC1(this.#hide(this.#held))
    this.#held = ''
    if (chunk !== '') for (const sink of this.#sinks) sink.write(chunk)
  }

  flush(done?: () => void): void {
    this.flushSync()
    done?.()
  }

  close(): void {
    this.flushSync()
    process.off('exit', this.#flushOnExit)
    for (const sink of this.#sinks) sink.close?.()
  }
}

const c1 = /[\u007f-\u009f]/

/** JSON escapes everything below the space and leaves DEL and C1. The test is the common case: nothing to do. */
function escapeC1(chunk: string): string {
  return c1.test(chunk) ? chunk.replaceAll(/[\u007f-\u009f]/g, escapeControls) : chunk
}
