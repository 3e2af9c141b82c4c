// Cuts the bytes from the server into messages, wherever the chunks end. Nothing is copied but a message that two chunks share.

import { readerErrors } from './errors.ts'

/** Type byte and length. */
const headerBytes = 5
const dataRow = 0x44

export interface WireEvents {
  /** A DataRow: `start` is where its column count stands. */
  row(buffer: Buffer, start: number, length: number): void
  /** Any other message: its type byte, and where its body lies. */
  message(type: number, buffer: Buffer, start: number, end: number): void
}

export class WireParser {
  readonly #events: WireEvents
  readonly #limit: number
  readonly #header = Buffer.alloc(headerBytes)
  /** The message whose beginning has come, in memory of its full size; undefined while not even the header is complete. */
  #split: Buffer | undefined
  /** Bytes of it that are here, header included. */
  #have = 0

  /** @param limit  bytes that one message may have */
  constructor(events: WireEvents, limit: number) {
    this.#events = events
    this.#limit = limit
  }

  /**
   * Reports the messages that are complete with this chunk.
   *
   * @throws AppError `READER_PROTOCOL` for a length that cannot be, `READER_RESULT_TOO_LARGE`, and what the events throw
   */
  push(chunk: Buffer): void {
    let at = this.#have === 0 ? 0 : this.#continue(chunk)
    while (at + headerBytes <= chunk.length) {
      const end = at + 1 + this.#lengthAt(chunk, at)
      if (end > chunk.length) break
      this.#emit(chunk, at, end)
      at = end
    }
    if (at < chunk.length) this.#keep(chunk, at)
  }

  #emit(buffer: Buffer, at: number, end: number): void {
    const start = at + headerBytes
    const type = buffer.readUInt8(at)
    if (type === dataRow) this.#events.row(buffer, start, end - start)
    else this.#events.message(type, buffer, start, end)
  }

  /** Completes the message that an earlier chunk began, as far as this chunk goes; returns where the next one starts. */
  #continue(chunk: Buffer): number {
    const headerEnd = this.#split === undefined ? this.#fill(this.#header, chunk, 0) : 0
    if (this.#split === undefined) {
      if (this.#have < headerBytes) return headerEnd
      this.#open()
    }
    const message = this.#split
    if (message === undefined) return headerEnd
    const next = this.#fill(message, chunk, headerEnd)
    if (this.#have === message.length) this.#close(message)
    return next
  }

  #keep(chunk: Buffer, at: number): void {
    this.#have = 0
    this.#fill(this.#header, chunk, at)
    if (this.#have < headerBytes) return
    const message = this.#open()
    this.#fill(message, chunk, at + headerBytes)
  }

  /** Copies what `target` still lacks; returns where in the chunk it stopped. */
  #fill(target: Buffer, chunk: Buffer, from: number): number {
    const taken = chunk.copy(target, this.#have, from, from + target.length - this.#have)
    this.#have += taken
    return from + taken
  }

  #open(): Buffer {
    const message = Buffer.allocUnsafeSlow(1 + this.#lengthAt(this.#header, 0))
    this.#header.copy(message)
    this.#split = message
    return message
  }

  #close(message: Buffer): void {
    this.#split = undefined
    this.#have = 0
    this.#emit(message, 0, message.length)
  }

  /** The length of the message at `at`, which counts itself and not the type byte. */
  #lengthAt(buffer: Buffer, at: number): number {
    const length = buffer.readInt32BE(at + 1)
    if (length >= 4 && length <= this.#limit) return length
    if (length > this.#limit && buffer[at] === dataRow) throw readerErrors.resultTooLarge(this.#limit)
    throw readerErrors.protocol(`A message of type ${buffer[at]} says that it has ${length} bytes.`)
  }
}
