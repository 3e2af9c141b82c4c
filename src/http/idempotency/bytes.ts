// What of a body is bytes already, and what can be read only once.

export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** A stream of Node's or of the web's. */
export function isStream(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  return ('pipe' in body && typeof body.pipe === 'function') || ('getReader' in body && typeof body.getReader === 'function')
}
