// A device with passkeys, in software: P-256 keys, and CBOR by hand, so that a test can have it sign anything.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface DeviceOptions {
  /** Where the page is that asks. */
  readonly origin: string
  /** What the page says it is. */
  readonly rpId: string
  /** Whether the device has checked who holds it. */
  readonly verifies?: boolean
}

interface Credential {
  readonly id: Buffer
  readonly key: KeyObject
  readonly publicKey: Buffer
  readonly user: string
}

type Cbor = Buffer | string | number | ReadonlyMap<Cbor, Cbor> | readonly Cbor[]

/** What a device says when it makes a passkey, beside the key. */
export interface Attested {
  readonly attestation?: ReadonlyMap<Cbor, Cbor>
  readonly format?: string
  readonly id?: Buffer
}

/** RFC 8949, as much as devices use. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map((item: Cbor) => cbor(item))])
  const map = value as ReadonlyMap<Cbor, Cbor>
  return Buffer.concat([head(5, map.size), ...Array.from(map, ([key, item]) => Buffer.concat([cbor(key), cbor(item)]))])
}

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.of((major << 5) | length)
  if (length < 256) return Buffer.of((major << 5) | 24, length)
  return Buffer.of((major << 5) | 25, length >> 8, length & 255)
}

export class PasskeyDevice {
  options: DeviceOptions
  /** What it says with the next signature. */
  counter = 0
  readonly credentials: Credential[] = []

  constructor(options: DeviceOptions) {
    this.options = options
  }

  /** As `navigator.credentials.create` answers. */
  register(
    { challenge, user }: { challenge: string; user: { id: string } },
    { attestation = new Map(), format = 'none', id = randomBytes(20) }: Attested = {},
  ) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    const cose = new Map<Cbor, Cbor>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ])
    const credential = { id, key: privateKey, publicKey: cbor(cose), user: user.id }
    this.credentials.push(credential)
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.of(0, credential.id.length), credential.id, credential.publicKey])
    const authData = Buffer.concat([this.#authenticatorData(0x40), attested])
    const attestationObject = cbor(
      new Map<Cbor, Cbor>([
        ['fmt', format],
        ['attStmt', attestation],
        ['authData', authData],
      ]),
    )
    const clientDataJSON = this.#clientData('webauthn.create', challenge)
    return this.#reply(credential, { clientDataJSON, attestationObject, transports: ['internal'] })
  }

  /** As `navigator.credentials.get` answers. @param which  of its passkeys, the last without */
  signIn({ challenge }: { challenge: string }, which = this.credentials.length - 1) {
    const credential = this.credentials[which]
    if (credential === undefined) throw new Error('The device has no such passkey.')
    const [clientDataJSON, authenticatorData] = [this.#clientData('webauthn.get', challenge), this.#authenticatorData(0)]
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJSON).digest()])
    const signature = sign('sha256', signed, credential.key)
    return this.#reply(credential, { clientDataJSON, authenticatorData, signature, userHandle: Buffer.from(credential.user, 'base64url') })
  }

  #clientData(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.options.origin, crossOrigin: false }))
  }

  #authenticatorData(flags: number): Buffer {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(this.counter)
    const { rpId, verifies = true } = this.options
    return Buffer.concat([createHash('sha256').update(rpId).digest(), Buffer.of(flags | (verifies ? 5 : 1)), counter])
  }

  #reply({ id }: Credential, response: Record<string, Buffer | string[]>) {
    const texts = Object.entries(response).map(([name, part]) => [name, Buffer.isBuffer(part) ? part.toString('base64url') : part])
    const text = id.toString('base64url')
    return {
      id: text,
      rawId: text,
      type: 'public-key',
      response: Object.fromEntries(texts) as Record<string, string>,
      clientExtensionResults: {},
    }
  }
}
