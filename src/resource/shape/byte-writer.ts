// A growing byte buffer that replies are written into. One is kept for the whole process, because a reply is written
// in one synchronous go; what leaves it is a copy of the right size.

import { resourceErrors } from '../errors.ts'

const initialBytes = 64 * 1024
/** Included records repeat in every record that leads to them, so a few thousand rows can make a reply of any size. */
const mostBytes = 64 * 1024 * 1024
/** A writer that one huge reply has grown past this is let go, so that memory returns to its usual size. */
const keptBytes = 4 * 1024 * 1024

export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(initialBytes)
  at = 0

  /** Forgets what was written: a reply that failed half-way must not end up in the next one. */
  reset(): void {
    this.at = 0
    this.#shrink()
  }

  /**
   * Makes room for `count` more bytes. `bytes` may be another buffer afterwards.
   *
   * @throws RESOURCE_REPLY_TOO_LARGE
   */
  reserve(count: number): void {
    const needed = this.at + count
    if (needed <= this.bytes.length) return
    if (this.at > mostBytes) throw resourceErrors.REPLY_TOO_LARGE()
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.bytes.length * 2, mostBytes)))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  put(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    const { bytes: out } = this
    let { at } = this
    // Keys and brackets are a few bytes long: a loop costs 10 ns where TypedArray.set costs 40.
    for (let i = 0; i < bytes.length; i++) out[at++] = bytes[i] as number
    this.at = at
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  /** What has been written, as a buffer of its own; the writer is empty afterwards. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.at)
    this.bytes.copy(taken, 0, 0, this.at)
    this.at = 0
    this.#shrink()
    return taken
  }

  #shrink(): void {
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }
}
