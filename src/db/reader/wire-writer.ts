// Messages to the server, encoded one behind the other into memory that is taken in one piece and written at once.

/** A slab serves some hundred statements and is then left to the socket and the garbage collector: no byte is ever overwritten. */
const slabBytes = 64 * 1024
/** Above this many characters the exact size is worth counting. */
const shortText = 1_024

/** The end of every statement: Bind's "all columns as text", Execute of the unnamed portal without a row limit. */
const ending = Buffer.from([0, 0, 0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])
const sync = Buffer.from([0x53, 0, 0, 0, 4])

/** @see PostgreSQL manual, "Message Formats" */
export class WireWriter {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #start = 0
  #at = 0

  /** Everything encoded since the last call. */
  take(): Buffer {
    const taken = this.#slab.subarray(this.#start, this.#at)
    this.#start = this.#at
    return taken
  }

  /** Parse without parameter types: the server infers them. The empty name is the unnamed statement. */
  parse(name: string, text: string): void {
    const size = textBytes(text)
    this.#need(16 + name.length + size)
    const start = this.#begin(0x50)
    this.#cstring(name)
    this.#cstring(text)
    this.#int16(0)
    this.#finish(start)
  }

  /** Bind to the unnamed portal, Execute and Sync. */
  run(name: string, values: readonly (string | null)[]): void {
    this.ahead(name, values)
    this.#slab.set(sync, this.#at)
    this.#at += sync.length
  }

  /** The same without Sync: what follows is in the same transaction, and is not run when this fails. */
  ahead(name: string, values: readonly (string | null)[]): void {
    this.#need(64 + name.length + valueBytes(values))
    const start = this.#begin(0x42)
    this.#slab[this.#at++] = 0
    this.#cstring(name)
    this.#int16(0)
    this.#int16(values.length)
    for (const value of values) this.#value(value)
    this.#slab.set(ending, this.#at)
    this.#at += 2
    this.#finish(start)
    this.#at += ending.length - 2
  }

  /** Close of a prepared statement; closing what does not exist is no error. */
  close(name: string): void {
    this.#need(16 + name.length)
    const start = this.#begin(0x43)
    this.#slab[this.#at++] = 0x53
    this.#cstring(name)
    this.#finish(start)
  }

  #begin(type: number): number {
    this.#slab[this.#at] = type
    this.#at += 5
    return this.#at - 4
  }

  /** The length counts itself and not the type byte before it. */
  #finish(start: number): void {
    this.#slab.writeInt32BE(this.#at - start, start)
  }

  #int16(value: number): void {
    this.#at = this.#slab.writeUInt16BE(value, this.#at)
  }

  #cstring(text: string): void {
    this.#at += this.#slab.write(text, this.#at)
    this.#slab[this.#at++] = 0
  }

  #value(value: string | null): void {
    const length = value === null ? -1 : this.#slab.write(value, this.#at + 4)
    this.#slab.writeInt32BE(length, this.#at)
    this.#at += length === -1 ? 4 : 4 + length
  }

  /** Makes room for so many bytes in one piece, in a new slab with what is not taken yet when the old one is full. */
  #need(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return
    const pending = this.#slab.subarray(this.#start, this.#at)
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, (pending.length + bytes) * 2))
    this.#slab.set(pending)
    this.#start = 0
    this.#at = pending.length
  }
}

/** At least the UTF-8 size: three bytes a UTF-16 unit is the most. */
function textBytes(text: string): number {
  return text.length > shortText ? Buffer.byteLength(text) : text.length * 3
}

function valueBytes(values: readonly (string | null)[]): number {
  let bytes = 0
  for (const value of values) bytes += value === null ? 4 : 4 + textBytes(value)
  return bytes
}
