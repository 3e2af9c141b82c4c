// The application's table of users, as far as signing in needs it.

import { randomUUID } from 'node:crypto'
import type { Database } from '../../db/database.ts'
import type { Field, Model } from '../../model/model.ts'
import { quoteName } from '../../model/sql-type.ts'
import { accountErrors } from '../account-errors.ts'
import { lifetimeOf, type NewOneTimeToken } from './one-time-tokens.ts'
import { readTexts, type TextRow, writeTexts } from './texts.ts'

export interface User {
  /** Primary key, as text. */
  readonly id: string
  readonly email: string
  readonly verified: boolean
  readonly disabled: boolean
  /** Grows when whatever signed the user in before counts no more. */
  readonly generation: string
}

/** A user with what is kept of the password. */
export interface UserWithPassword extends User {
  readonly password: string | undefined
}

/** Which users, in the order of their addresses. */
export interface UserQuery {
  /** A part of the address, in any case. */
  readonly email?: string | undefined
  /** Those that are disabled alone, or those that are not. */
  readonly disabled?: boolean | undefined
  /** The address of the last one that was listed before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Values of the application's own columns, as PostgreSQL reads them. */
export type OwnValues = Readonly<Record<string, string | null>>

/** An account is a row of users and one of credentials, with their indexes: as much work as two more tokens (of 1,000 pairs: 0.478 with none, 0.490 with one, 0.496 with two, 0.507 with three). */
const rowsOfAccount = 3

const needed = ['id', 'email', 'email_verified_at', 'disabled_at'] as const

export class Users {
  readonly #db: Database
  readonly #model: Model
  readonly #columns: string
  readonly #here: string

  /** @throws AppError AUTH_INVALID_SETUP when the table lacks a column of `userColumns` */
  constructor(db: Database, model: Model) {
    this.#db = db
    this.#model = model
    const missing = needed.filter((name) => !model.fieldByName.has(name))
    if (missing.length > 0)
      throw accountErrors.INVALID_SETUP(`the table "${model.name}" has no ${missing.join(', ')}; spread userColumns into it`)
    if (model.primaryKey.join() !== 'id') throw accountErrors.INVALID_SETUP(`the primary key of the table "${model.name}" must be "id"`)
    this.#columns = `u.${this.#name('id')}::text, u.${this.#name('email')}, u.${this.#name('email_verified_at')} IS NOT NULL, u.${this.#name('disabled_at')} IS NOT NULL,
      coalesce((SELECT g.generation FROM plinth.user_generations g WHERE g.user_id = u.${this.#name('id')}::text), 0)::text`
    this.#here = model.softDelete === undefined ? 'true' : `u.${this.#name(model.softDelete)} IS NULL`
  }

  /** As SQL names it. */
  get table(): string {
    return this.#model.sqlName
  }

  field(name: string): Field | undefined {
    return this.#model.fieldByName.get(name)
  }

  /** `u."id"`, cast to what a parameter is compared with. */
  get idType(): string {
    return this.field('id')?.castType ?? 'uuid'
  }

  async find(id: string): Promise<User | undefined> {
    const text = `SELECT ${this.#columns} FROM ${this.table} u WHERE u.${this.#name('id')} = $1::text::${this.idType} AND ${this.#here}`
    return userOf(await readTexts(this.#db, { text, values: [id] }))
  }

  async findByEmail(email: string): Promise<UserWithPassword | undefined> {
    const text = `SELECT ${this.#columns}, c.password FROM ${this.table} u
      LEFT JOIN plinth.credentials c ON c.user_id = u.${this.#name('id')}::text WHERE u.${this.#name('email')} = $1::text AND ${this.#here}`
    const rows = await readTexts(this.#db, { text, values: [email] })
    const user = userOf(rows)
    return user === undefined ? undefined : { ...user, password: rows[0]?.[5] ?? undefined }
  }

  async list({ email, disabled, after, limit }: UserQuery): Promise<User[]> {
    const address = `u.${this.#name('email')}`
    const text = `SELECT ${this.#columns} FROM ${this.table} u WHERE ${this.#here} AND ($1::text IS NULL OR position($1::text IN ${address}) > 0)
      AND ($2::text IS NULL OR ${address} > $2::text) AND ($3::text IS NULL OR (u.${this.#name('disabled_at')} IS NOT NULL) = $3::text::boolean)
      ORDER BY ${address} LIMIT $4::text::integer`
    const values = [email?.toLowerCase() ?? null, after ?? null, disabled === undefined ? null : String(disabled), String(limit)]
    return (await readTexts(this.#db, { text, values })).flatMap((row) => userOf([row]) ?? [])
  }

  /**
   * Adds a user with a password and a token for the mail, in one statement and one commit. Where there is a user with this address, as much is
   * written: a token that belongs to nobody. So both take the same time.
   *
   * @returns the id; undefined when the address was taken
   */
  async add(email: string, phc: string, { hash }: NewOneTimeToken, own: OwnValues): Promise<string | undefined> {
    const names = ['email', ...Object.keys(own)]
    const texts = names.map((name, i) => `$${i + 6}::text::${this.field(name)?.castType ?? 'text'}`)
    const text = `WITH added AS (
        INSERT INTO ${this.table} (${names.map((name) => this.#name(name)).join(', ')}) VALUES (${texts.join(', ')})
        ON CONFLICT (${this.#name('email')}) DO NOTHING RETURNING ${this.#name('id')}::text AS id
      ), credential AS (
        INSERT INTO plinth.credentials (user_id, password) SELECT id, $1::text FROM added
      ), token AS (
        INSERT INTO plinth.one_time_tokens (id, purpose, user_id, data, expires_at)
        SELECT CASE n WHEN 1 THEN decode($2::text, 'hex') ELSE sha256(decode($2::text, 'hex') || int4send(n)) END,
          CASE WHEN added.id IS NULL THEN 'none' ELSE $3::text END, coalesce(added.id, ''),
          json_build_object('email', $4::text), now() + $5::text::bigint * interval '1 ms'
        FROM (SELECT 1) one LEFT JOIN added ON true, generate_series(1, CASE WHEN added.id IS NULL THEN ${rowsOfAccount} ELSE 1 END) n
      ) SELECT id FROM added`
    const values = [phc, hash, 'verify_email', email, String(lifetimeOf('verify_email')), email, ...Object.values(own)]
    const [row] = await writeTexts(this.#db, { text, values }, this.#written)
    return row?.[0] ?? undefined
  }

  /** Adds a user without a password, whose address somebody who is trusted has confirmed. @returns the id; undefined when the address was taken */
  async addVerified(email: string, own: OwnValues): Promise<string | undefined> {
    const names = ['email', ...Object.keys(own)]
    const texts = names.map((name, i) => `$${i + 1}::text::${this.field(name)?.castType ?? 'text'}`)
    const columns = ['email_verified_at', ...names].map((name) => this.#name(name)).join(', ')
    const text = `INSERT INTO ${this.table} (${columns}) VALUES (now(), ${texts.join(', ')})
      ON CONFLICT (${this.#name('email')}) DO NOTHING RETURNING ${this.#name('id')}::text`
    const [row] = await writeTexts(this.#db, { text, values: [email, ...Object.values(own)] }, [this.table])
    return row?.[0] ?? undefined
  }

  /**
   * Refuses values of own columns that somebody else has. A sign-up whose address is known adds nothing, so that nothing would refuse them:
   * who asks would learn from it that there is such an account.
   *
   * @throws AppError DB_UNIQUE
   */
  async demandFree(own: OwnValues): Promise<void> {
    if (Object.keys(own).length === 0) return
    const undo = new Error('Only tried.')
    const tried = this.#db.transaction(async () => {
      await this.addVerified(`${randomUUID()}@invalid`, own)
      throw undo
    })
    await tried.catch((error: unknown) => {
      if (error !== undo) throw error
    })
  }

  /**
   * Keeps a token for the user with this address, or one for nobody where there is none, in the same time.
   *
   * @returns the user, when there is one that may sign in
   */
  async addResetToken(email: string, { hash }: NewOneTimeToken): Promise<User | undefined> {
    const text = `WITH found AS (SELECT ${this.#columns} FROM ${this.table} u WHERE u.${this.#name('email')} = $2::text AND u.${this.#name('disabled_at')} IS NULL AND ${this.#here}
      ), named (id, email, verified, disabled, generation) AS (SELECT * FROM found
      ), token AS (
        INSERT INTO plinth.one_time_tokens (id, purpose, user_id, data, expires_at)
        SELECT decode($1::text, 'hex'), CASE WHEN named.id IS NULL THEN 'none' ELSE 'reset_password' END, coalesce(named.id, ''), json_build_object('email', $2::text),
          now() + $3::text::bigint * interval '1 ms' FROM (SELECT 1) one LEFT JOIN named ON true
      ) SELECT * FROM named`
    return userOf(await writeTexts(this.#db, { text, values: [hash, email, String(lifetimeOf('reset_password'))] }, this.#written))
  }

  /** @returns false when the user has another address meanwhile */
  async verify(id: string, email: string): Promise<boolean> {
    const set = `${this.#name('email_verified_at')} = coalesce(u.${this.#name('email_verified_at')}, now())`
    return this.#update(set, `u.${this.#name('email')} = $2::text`, [id, email])
  }

  /** @throws AppError DB_UNIQUE when it was taken meanwhile */
  async changeEmail(id: string, email: string): Promise<boolean> {
    return this.#update(`${this.#name('email')} = $2::text, ${this.#name('email_verified_at')} = now()`, 'true', [id, email])
  }

  async setDisabled(id: string, disabled: boolean): Promise<boolean> {
    const at = this.#name('disabled_at')
    return this.#update(`${at} = ${disabled ? 'now()' : 'NULL'}`, `u.${at} IS ${disabled ? 'NULL' : 'NOT NULL'}`, [id])
  }

  /** Where the table is deleted from softly, the row stays, and its address is free for another account. */
  async remove(id: string): Promise<boolean> {
    const { softDelete } = this.#model
    if (softDelete !== undefined)
      return this.#update(
        `${this.#name(softDelete)} = now(), ${this.#name('disabled_at')} = now(), ${this.#name('email')} = concat('deleted-', u.${this.#name('id')}, '@invalid')`,
        'true',
        [id],
      )
    const text = `DELETE FROM ${this.table} u WHERE u.${this.#name('id')} = $1::text::${this.idType}`
    return (await this.#db.write({ text, values: [id] }, { tables: [this.table] })).affected > 0
  }

  async #update(set: string, condition: string, values: readonly string[]): Promise<boolean> {
    const now = this.#model.fieldByName.has('updated_at') ? `, ${this.#name('updated_at')} = now()` : ''
    const text = `UPDATE ${this.table} u SET ${set}${now} WHERE u.${this.#name('id')} = $1::text::${this.idType} AND ${this.#here} AND ${condition}`
    return (await this.#db.write({ text, values }, { tables: [this.table] })).affected > 0
  }

  get #written(): string[] {
    return [this.table, '"plinth"."credentials"', '"plinth"."one_time_tokens"']
  }

  #name(name: string): string {
    return quoteName(this.field(name)?.column ?? name)
  }
}

function userOf([row]: readonly TextRow[]): User | undefined {
  if (row === undefined) return undefined
  const [id, email, verified, disabled, generation] = row
  return { id: id ?? '', email: email ?? '', verified: verified === 't', disabled: disabled === 't', generation: generation ?? '' }
}
