// What a device is known by that has signed in to an account before: it has tries of its own, so that nobody locks out its owner. Signed, for
// this account alone, for half a year, and until everything that signed the user in is ended.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { User } from './users.ts'

export const deviceMs = 180 * 86_400_000

/** `id.time.generation.signature`, and nothing else: one device has one text. */
const form = /^([\w-]{22})\.([\da-z]{1,11})\.(\d{1,19})\.([\w-]{43})$/

export interface Device {
  readonly id: string
  /** Of the user, when the device signed in. */
  readonly generation: string
}

export class Devices {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  issue({ email, generation }: Pick<User, 'email' | 'generation'>, now = Date.now()): string {
    const text = `${randomBytes(16).toString('base64url')}.${now.toString(36)}.${generation}`
    return `${text}.${this.#sign(text, email)}`
  }

  /** Undefined for what was not issued for this address, or too long ago. */
  read(shown: string | undefined, email: string, now = Date.now()): Device | undefined {
    const [, id, time, generation, signature] = form.exec(shown ?? '') ?? []
    if (id === undefined || time === undefined || generation === undefined || signature === undefined) return undefined
    if (now - Number.parseInt(time, 36) > deviceMs) return undefined
    const right = Buffer.from(this.#sign(`${id}.${time}.${generation}`, email))
    return timingSafeEqual(right, Buffer.from(signature)) ? { id, generation } : undefined
  }

  #sign(text: string, email: string): string {
    return createHmac('sha256', this.#secret).update(`device\n${text}\n${email}`).digest('base64url')
  }
}
