// The second factor of a user: codes of an application on a telephone (TOTP), and recovery codes. Whoever asks has shown the password already.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from '../../db/database.ts'
import type { CodeTry, TryLimits } from '../accounts/try-limits.ts'
import { factorErrors } from '../factor-errors.ts'
import { createSealer, derivedKey, type Sealer } from '../sealed.ts'
import { type FactorRow, findFactor, insertFactor, removeFactor, useStep } from './factor-rows.ts'
import { countRecoveryCodes, replaceRecoveryCodes, useRecoveryCode } from './recovery-codes.ts'
import { describeTotp, newTotpSecret, stepOf } from './totp.ts'

export interface SecondFactorsOptions {
  readonly db: Database
  readonly limits: Pick<TryLimits, 'code'>
  /** SECRET_KEY. When it changes, second factors have to be set up again. */
  readonly secret: string
  /** Of the application, as it is shown on the telephone. */
  readonly issuer: string
}

export interface FactorStatus {
  readonly on: boolean
  readonly recoveryCodes: number
}

export class SecondFactors {
  readonly #options: SecondFactorsOptions
  readonly #sealer: Sealer
  readonly #recoveryKey: Buffer
  /** That a code was used is not undone with a transaction of the caller. */
  readonly #outside = AsyncLocalStorage.snapshot()

  constructor(options: SecondFactorsOptions) {
    this.#options = options
    this.#sealer = createSealer(options.secret, 'second factors')
    this.#recoveryKey = derivedKey(options.secret, 'recovery codes')
  }

  async isOn(user: string): Promise<boolean> {
    return (await findFactor(this.#options.db, user))?.confirmed === true
  }

  async status(user: string): Promise<FactorStatus> {
    const { db } = this.#options
    const [factor, recoveryCodes] = await Promise.all([findFactor(db, user), countRecoveryCodes(db, user)])
    return { on: factor?.confirmed === true, recoveryCodes }
  }

  /**
   * Makes a secret for the telephone. Nothing is asked for it before it was confirmed with a code.
   *
   * @param label  the user's e-mail address
   * @returns      the secret to type, and the address that a QR code is made of
   * @throws       AppError AUTH_FACTOR_IS_ON
   */
  async enrol(user: string, label: string): Promise<{ readonly secret: string; readonly uri: string }> {
    const { db, issuer } = this.#options
    const secret = newTotpSecret()
    if (!(await insertFactor(db, user, this.#sealer.seal(secret, placeOf(user))))) throw factorErrors.FACTOR_IS_ON()
    return describeTotp(secret, { issuer, label })
  }

  /**
   * Switches it on.
   *
   * @param demand  refuses, in the transaction that does it, a user who may not any more
   * @returns       recovery codes, which cannot be found out afterwards
   * @throws        AppError AUTH_WRONG_CODE, AUTH_FACTOR_IS_ON, AUTH_TOO_MANY_TRIES, and what `demand` throws
   */
  async confirm(user: string, code: string, by?: CodeTry, demand?: () => Promise<void>): Promise<string[]> {
    const { db } = this.#options
    await this.#options.limits.code(user, by)
    const factor = await findFactor(db, user)
    if (factor?.confirmed === true) throw factorErrors.FACTOR_IS_ON()
    const step = await this.#stepOf(user, factor, code)
    return db.transaction(async () => {
      await demand?.()
      if (factor === undefined || step === undefined || !(await useStep(db, user, factor, step))) throw factorErrors.WRONG_CODE()
      return replaceRecoveryCodes(db, user, this.#recoveryKey)
    })
  }

  /** Demands a code of the telephone, which is used up by it. @throws AppError AUTH_WRONG_CODE, AUTH_TOO_MANY_TRIES */
  async verify(user: string, code: string, by?: CodeTry): Promise<void> {
    await this.#options.limits.code(user, by)
    const { db } = this.#options
    const factor = await findFactor(db, user)
    const step = factor?.confirmed === true ? await this.#stepOf(user, factor, code) : undefined
    const isGood = factor !== undefined && step !== undefined && (await this.#outside(() => useStep(db, user, factor, step)))
    if (!isGood) throw factorErrors.WRONG_CODE()
  }

  /** Demands a recovery code, which is used up by it. @returns how many are left @throws AppError AUTH_WRONG_CODE, AUTH_TOO_MANY_TRIES */
  async recover(user: string, code: string, by?: CodeTry): Promise<number> {
    await this.#options.limits.code(user, by)
    const { db } = this.#options
    if (!(await this.#outside(() => useRecoveryCode(db, user, code, this.#recoveryKey)))) throw factorErrors.WRONG_CODE()
    return countRecoveryCodes(db, user)
  }

  /** In the place of those that are left. @throws AppError AUTH_WRONG_CODE without a second factor */
  async renewRecoveryCodes(user: string): Promise<string[]> {
    const { db } = this.#options
    if ((await findFactor(db, user))?.confirmed !== true) throw factorErrors.WRONG_CODE()
    return db.transaction(() => replaceRecoveryCodes(db, user, this.#recoveryKey))
  }

  /** Switches it off, with its recovery codes. Part of the current transaction, when there is one. @returns false when there was none */
  disable(user: string): Promise<boolean> {
    return removeFactor(this.#options.db, user)
  }

  async #stepOf(user: string, factor: FactorRow | undefined, code: string): Promise<number | undefined> {
    if (factor === undefined) return undefined
    const secret = this.#sealer.open(factor.secret, placeOf(user))
    if (secret === undefined) throw new Error('The secret of a second factor was encrypted with another SECRET_KEY.')
    return stepOf(code, secret)
  }
}

/** A row that was copied to another user opens for nobody. */
function placeOf(user: string): string {
  return `second factor of ${user}`
}
