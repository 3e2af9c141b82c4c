// A log file that is bounded: when it would grow over its size it becomes `.1`, the older ones move up, the oldest goes.

import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { LogSink } from './log-stream.ts'

export interface RotatingFileOptions {
  readonly directory: string
  /** `api` writes `api.log`, `api.1.log`, … */
  readonly name: string
  readonly fileBytes: number
  /** Files kept, the current one included. */
  readonly files: number
}

/** Bytes held in memory while the disk is full; what comes beyond is counted and dropped. */
const pendingLimit = 1_048_576

/** Renaming takes less than a millisecond; a claim that is older belongs to a process that was killed meanwhile. */
const staleClaimMs = 10_000

/**
 * Writes synchronously: chunks are few, and what was written survives the process. Several processes may share a file: the system
 * appends each chunk whole, one process at a time renames, and one that finds the file renamed opens the new one. Without the claim
 * four processes lost a tenth of their lines, because two renamed at once (measured). What is written meanwhile goes into the file that
 * is there, which may become longer by it than it should.
 *
 * A full disk never throws: lines wait in memory, and when there is space again a line says how many were lost.
 */
export class RotatingFile implements LogSink {
  readonly #options: RotatingFileOptions
  #file: number | undefined
  #pending: Buffer[] = []
  #pendingBytes = 0
  #lostLines = 0
  #failing = false
  /** A part of the first chunk is written; the rest belongs in the same file. */
  #inMidChunk = false

  constructor(options: RotatingFileOptions) {
    this.#options = options
  }

  /** @param chunk  whole lines */
  write(chunk: string): void {
    this.#hold(Buffer.from(chunk))
    try {
      while (this.#pending.length > 0) this.#writeFirst()
      this.#recovered()
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException)
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #hold(chunk: Buffer): void {
    if (this.#pendingBytes + chunk.length > pendingLimit && this.#pending.length > 0) {
      this.#lostLines += chunk.toString('latin1').split('\n').length - 1
      return
    }
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
  }

  #writeFirst(): void {
    const [chunk] = this.#pending
    if (chunk === undefined) return
    const written = writeSync(this.#fileFor(chunk.length), chunk)
    this.#pendingBytes -= written
    // A disk that fills up takes a part; the rest of the line must follow it.
    this.#inMidChunk = written < chunk.length
    if (this.#inMidChunk) this.#pending[0] = chunk.subarray(written)
    else this.#pending.shift()
  }

  /** The size is asked for each time, because another process may write to the same file. */
  #fileFor(bytes: number): number {
    const file = this.#file ?? this.#open()
    const { size, ino, nlink } = fstatSync(file)
    if (this.#inMidChunk) return file
    // Who writes seldom may hold a file that others have rotated until it was deleted: nobody would read what is written to it.
    if (nlink === 0) return this.#fileAnew(bytes)
    if (size === 0 || size + bytes <= this.#options.fileBytes || !this.#rotate(ino)) return file
    return this.#fileAnew(bytes)
  }

  #fileAnew(bytes: number): number {
    this.close()
    return this.#fileFor(bytes)
  }

  #open(): number {
    mkdirSync(this.#options.directory, { recursive: true })
    this.#file = openSync(this.#path(0), 'a', 0o640)
    return this.#file
  }

  /** @returns false when another process is about it at this moment */
  #rotate(ino: number): boolean {
    const claim = join(this.#options.directory, `.${this.#options.name}.rotating`)
    if (!take(claim)) return false
    try {
      // When the path is another file by now, another process has rotated: ours is `.1` already.
      if (inode(this.#path(0)) === ino) this.#moveUp()
      return true
    } finally {
      rmSync(claim, { force: true })
    }
  }

  #moveUp(): void {
    rmSync(this.#path(this.#options.files - 1), { force: true })
    for (let number = this.#options.files - 2; number >= 0; number -= 1) {
      if (existsSync(this.#path(number))) renameSync(this.#path(number), this.#path(number + 1))
    }
  }

  #path(number: number): string {
    return join(this.#options.directory, number === 0 ? `${this.#options.name}.log` : `${this.#options.name}.${number}.log`)
  }

  #failed(error: NodeJS.ErrnoException): void {
    // Once per outage, and not through the log.
    if (!this.#failing)
      process.stderr.write(`Log lines cannot be written to ${this.#path(0)} (${error.code ?? error.message}); they wait in memory.\n`)
    this.#failing = true
    this.close()
  }

  #recovered(): void {
    this.#failing = false
    const lost = this.#lostLines
    this.#lostLines = 0
    if (lost > 0)
      this.write(
        `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lost, message: 'log lines were lost while they could not be written' })}\n`,
      )
  }
}

/** Makes a file that only one process can make. */
function take(claim: string): boolean {
  try {
    closeSync(openSync(claim, 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const since = statSync(claim, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - since > staleClaimMs) rmSync(claim, { force: true })
    return false
  }
}

function inode(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}
