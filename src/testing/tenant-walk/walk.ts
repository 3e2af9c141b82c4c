// The walk itself: asks everything of everybody, looks for canaries in what comes back, and compares tables before and after.

import { isServed } from '../../rest/rest-resource.ts'
import { type Actor, gather, rolesOf, sides } from './actors.ts'
import { canariesOf, hiddenFrom } from './canaries.ts'
import { type Ground, readGround } from './ground.ts'
import { idempotencyKeys, inTheirName, ownRoutes } from './others.ts'
import { type Answer, ask, essence, type Question, type Request } from './question.ts'
import { reads } from './reads.ts'
import { type GivenValues, type Row, Rows, type Side } from './rows.ts'
import { recordPath, rowsOf, type Subject } from './subject.ts'
import { tablesOf } from './tables.ts'
import { uniques, writes } from './writes.ts'

export interface WalkOptions {
  /** Names of resources that tenants share on purpose, such as a list of all users: their records are no secret. */
  readonly except?: readonly string[]
  /** Roles of members that walk: values of the column `role` of the members. Default: those of its enum, else `owner` and `member`. */
  readonly roles?: readonly string[]
  /** Values that cannot be made up, by table: `{ orders: ({ number }) => ({ code: `A-${number}` }) }`. */
  readonly values?: Readonly<Record<string, GivenValues>>
}

export class Walk {
  readonly leaks: string[] = []
  readonly #ground: Ground
  readonly #options: WalkOptions
  readonly #rows: Rows
  /** Names of resources of which somebody saw a record of their own tenant. */
  readonly #seen = new Set<string>()
  readonly #tags = new Map<string, string>()

  constructor(app: Ground['app'], options: WalkOptions) {
    this.#options = options
    this.#ground = readGround(app, options.except ?? [])
    this.#rows = new Rows(this.#ground, options.values ?? {})
  }

  async run(): Promise<void> {
    await this.#ground.app.fastify.ready()
    for (const side of sides) await this.#rows.add({ model: this.#ground.tenancy.tenants, side, number: 0 })
    const { actors, both } = await gather(this.#ground, this.#rows, this.#options.roles ?? rolesOf(this.#ground))
    await this.#fill()
    const subjects = actors.flatMap((actor) => this.#subjectsOf(actor))
    for (const subject of subjects) await this.#askAll(subject, [...reads(subject), ...inTheirName(subject)])
    for (const actor of actors) await this.#askRoutes(actor)
    this.#noteBlind()
    for (const subject of subjects) await this.#write(subject, writes(subject, this.#tags))
    for (const subject of subjects.filter(({ actor }) => actor === both)) await this.#repeat(subject)
    for (const subject of subjects) await this.#write(subject, await uniques(subject, () => this.#another(subject)))
  }

  /** One more row of the other tenant. Where a key that is unique leads to a row which has one already, there can be none. */
  async #another({ resource: { model }, theirs, rows }: Subject): Promise<Row | undefined> {
    const number = rows.of(model, theirs).length
    return rows.add({ model, side: theirs, number }).catch(() => undefined)
  }

  /** Two rows that are there and one that was deleted, of each tenant. */
  async #fill(): Promise<void> {
    const { models, owned, tenancy, users, auth } = this.#ground
    const ready = [tenancy.tenants, tenancy.members, users].map(({ name }) => name)
    const ofRoles = auth.options.userRoles === undefined ? [] : ['roles', 'permissions', 'role_permissions', 'user_roles']
    for (const model of models.filter(({ name }) => !ready.includes(name) && !ofRoles.includes(name)))
      for (const side of owned.has(model) ? sides : [undefined])
        for (const number of model.softDelete === undefined ? [0, 1] : [0, 1, 2])
          await this.#rows.add({ model, side, number, isDeleted: number === 2 })
  }

  #subjectsOf(actor: Actor): Subject[] {
    const { resources, app } = this.#ground
    const prefix = app.definition.options.prefix ?? '/api'
    // Who is in no tenant is to see nothing of either.
    const mine = actor.side ?? 'one'
    const theirs: Side = mine === 'one' ? 'other' : 'one'
    const hidden = hiddenFrom(this.#ground, this.#rows, actor, theirs)
    return resources
      .filter(({ model }) => this.#ground.secret.has(model) || model.isView)
      .map((resource) => ({
        ground: this.#ground,
        rows: this.#rows,
        resource,
        actor,
        mine,
        theirs,
        hidden,
        path: `${prefix}/${resource.name}`,
      }))
  }

  async #askAll(subject: Subject, questions: readonly Question[]): Promise<void> {
    const own = subject.actor.side === undefined ? [] : canariesOf(this.#rows, subject.resource.model, subject.mine)
    for (const question of questions) {
      const answer = await this.#ask(subject, question)
      if (own.some((text) => answer.text.includes(text))) this.#seen.add(subject.resource.name)
      if (question.about.method === 'GET') this.#noteTag(subject, question.about.path, answer)
    }
    await this.#noteOwnTags(subject)
  }

  async #ask(subject: Subject, question: Question): Promise<Answer> {
    const { about, missing, named = [], isRefused = false, most } = question
    const answer = await ask(this.#ground.app, subject.actor, about)
    const say = (what: string): void => void this.leaks.push(`${subject.actor.name}: ${about.method} ${about.path} ${what}`)
    const known = named.map(([foreign]) => foreign)
    const shown = answer.text + JSON.stringify(answer.headers)
    const leaked = [...subject.hidden].find((text) => !known.includes(text) && shown.includes(text))
    if (leaked !== undefined) say(`shows "${leaked}" of the other tenant.`)
    if (answer.status >= 500) say(`fails with ${answer.status}.`)
    if (isRefused && answer.status < 400) say(`is let, with ${answer.status}: ${JSON.stringify(about.body ?? about.headers)}`)
    if (most !== undefined) this.#compareTotal(answer, most, say)
    if (missing === undefined) return answer
    const other = await ask(this.#ground.app, subject.actor, missing)
    const [one, two] = [
      essence(about, answer, known),
      essence(
        missing,
        other,
        named.map(([, text]) => text),
      ),
    ]
    if (one !== two) say(`is not answered as for what is nowhere: ${difference(one, two)}`)
    return answer
  }

  #compareTotal({ status, text, headers }: Answer, most: number, say: (what: string) => void): void {
    if (status !== 200) return
    const body = JSON.parse(text) as { readonly meta?: { readonly total?: number } }
    const total = body.meta?.total ?? Number(headers['x-total-count'] ?? 0)
    if (total > most) say(`counts ${total} records where there are ${most}.`)
  }

  async #askRoutes(actor: Actor): Promise<void> {
    const [subject] = this.#subjectsOf(actor)
    if (subject === undefined) return
    for (const question of ownRoutes(subject)) await this.#ask(subject, question)
  }

  #noteTag({ actor }: Subject, path: string, { status, headers: { etag } }: Answer): void {
    if (actor.side !== undefined && status === 200 && typeof etag === 'string') this.#tags.set(path, etag)
  }

  /** The tags that records have for their own people: somebody of the other tenant might know them. */
  async #noteOwnTags(subject: Subject): Promise<void> {
    if (subject.actor.side === undefined || !subject.resource.operations.has('get')) return
    for (const row of rowsOf(subject, subject.resource.model, subject.mine)) {
      const path = recordPath(subject, row.values)
      if (path !== undefined) this.#noteTag(subject, path, await ask(this.#ground.app, subject.actor, { method: 'GET', path }))
    }
  }

  /** A walk that sees nothing finds nothing. */
  #noteBlind(): void {
    for (const resource of this.#ground.resources) {
      const isRead = isServed(resource, 'list', false) || isServed(resource, 'get', false)
      if (!isRead || !this.#ground.secret.has(resource.model) || this.#seen.has(resource.name)) continue
      this.leaks.push(
        `Nobody saw a record of "${resource.name}" of their own tenant, so nothing of it was tried. Give values or roles that let somebody, or name it in except.`,
      )
    }
  }

  async #write(subject: Subject, questions: readonly Question[]): Promise<void> {
    if (questions.length === 0) return
    const hidden = subject.actor.side === undefined ? sides : [subject.theirs]
    const before = await this.#tables(hidden)
    for (const question of questions) await this.#ask(subject, question)
    const after = await this.#tables(hidden)
    const changed = [...after].filter(([name, hash]) => before.get(name) !== hash).map(([name]) => `"${name}"`)
    if (changed.length > 0)
      this.leaks.push(`${subject.actor.name}: writes to ${subject.path} changed rows of the other tenant in ${changed.join(', ')}.`)
  }

  async #tables(hidden: readonly Side[]): Promise<ReadonlyMap<string, string>> {
    const all = await Promise.all(hidden.map((side) => tablesOf(this.#ground, this.#rows, side)))
    return new Map(all.flatMap((tables, i) => [...tables].map(([name, hash]): [string, string] => [`${name} of ${hidden[i]}`, hash])))
  }

  /** An answer that was kept in one tenant is not given in the other. */
  async #repeat(subject: Subject): Promise<void> {
    const keys = idempotencyKeys(subject)
    if (keys === undefined) return
    const { actor } = subject
    const send = (request: Request): Promise<Answer> => ask(this.#ground.app, actor, request)
    await send(keys.theirs)
    const { headers, text } = await send(keys.mine)
    const isKnown = headers['idempotency-replayed'] !== undefined || text.includes('IDEMPOTENCY_')
    if (isKnown) this.leaks.push(`${actor.name}: POST ${subject.path} knows an Idempotency-Key of the other tenant.`)
  }
}

/** Where two texts begin to differ, with a little around it. */
function difference(one: string, two: string): string {
  const at = one.split('').findIndex((character, i) => character !== two[i])
  const from = Math.max(0, at - 20)
  return `${one.slice(from, from + 120)} and ${two.slice(from, from + 120)}`
}
