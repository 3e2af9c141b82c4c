// Reads the environment, once, and the only place that does. All mistakes are reported together; secrets are never shown.

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { editDistance } from '../support/similar.ts'
import { assembleConfig } from './assemble-config.ts'
import { checkConfig } from './check-config.ts'
import type { Config, Environment } from './config.ts'
import { defaultOf, settings, type SettingName, type SettingValues } from './config-table.ts'
import { coreErrors } from './errors.ts'
import type { Setting } from './settings.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** The configuration of the running process. */
export function loadConfig(root: string, shipped: Variables = {}): Config {
  return readConfig(process.env, root, shipped)
}

/**
 * The configuration out of `env` and of `.env` in the application's folder; `env` wins.
 *
 * @param shipped  what the application itself sets (`environment` in `defineApp`); both of the above win
 * @param root  folder of the application; development keeps its generated secrets in its `.plinth/`
 * @throws      AppError `CORE_INVALID_CONFIG` with every mistake, none of which shows a secret
 */
export function readConfig(env: Variables, root: string, shipped: Variables = {}): Config {
  const real = nonEmpty(env)
  const written = { ...withoutRivals(readDotEnv(root), real), ...real }
  const reader = new EnvReader({ ...withoutRivals(shipped, written), ...written })
  const config = assembleConfig(reader, resolve(root))
  checkConfig(config, reader)
  if (reader.problems.length > 0) throw coreErrors.INVALID_CONFIG(reader.problems)
  return deepFreeze(config)
}

/** One reading of the variables: what each setting is, and what is wrong with them. */
export class EnvReader {
  readonly problems: string[] = []
  readonly environment: Environment
  readonly values: SettingValues
  /** Names that are nearly ours. */
  readonly warnings: readonly string[]
  readonly #variables: Variables

  constructor(variables: Variables) {
    this.#variables = variables
    this.environment = this.#readEnvironment()
    this.warnings = misspellings(Object.keys(variables))
    this.values = Object.fromEntries(
      Object.entries<Setting>(settings).map(([name, setting]) => [name, this.#read(name, setting)]),
    ) as SettingValues
  }

  /** Adds a mistake; the sentence begins with the variable's name and shows no secret. */
  problem(sentence: string): void {
    this.problems.push(sentence)
  }

  /** Whether somebody has set it, rather than its default. */
  isSet(name: SettingName): boolean {
    return this.#variables[name] !== undefined
  }

  /** APP_ENV says it; without it NODE_ENV does, where a name we do not know (`staging`) is held to production's rules. */
  #readEnvironment(): Environment {
    const { APP_ENV: own, NODE_ENV: general } = this.#variables
    if (own === undefined) return general === undefined ? 'development' : (environments[general] ?? 'production')
    const environment = environments[own]
    if (environment === undefined) this.problem(`APP_ENV must be one of development, testing, production, not ${JSON.stringify(own)}`)
    return environment ?? 'testing'
  }

  /** The value of one setting: its text or its file, parsed, else its default. */
  #read(name: string, setting: Setting): unknown {
    const written = this.#written(name, setting) ?? defaultOf(setting, this.environment)
    if (written === undefined || name === 'APP_ENV' || name === 'NODE_ENV') return undefined
    const reading = setting.parse(written)
    if ('value' in reading) return reading.value
    this.problem(`${name} ${reading.problem}`)
    // Reading goes on with the default, so that one mistake does not make others.
    return this.#defaultValue(setting)
  }

  #written(name: string, setting: Setting): string | undefined {
    const direct = this.#variables[name]
    const file = setting.secret === true ? this.#variables[`${name}_FILE`] : undefined
    if (file === undefined) return direct
    const content = this.#fileContent(name, file)
    if (direct !== undefined && content !== undefined && direct !== content)
      this.problem(`${name} and ${name}_FILE are set to different values; set one of them`)
    return direct ?? content
  }

  #fileContent(name: string, file: string): string | undefined {
    try {
      const content = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
      if (content === '') this.problem(`${name}_FILE names an empty file: ${file}`)
      return content === '' ? undefined : content
    } catch (error) {
      this.problem(`${name}_FILE names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): ${file}`)
      return undefined
    }
  }

  #defaultValue(setting: Setting): unknown {
    const fallback = defaultOf(setting, this.environment)
    const reading = fallback === undefined ? undefined : setting.parse(fallback)
    return reading !== undefined && 'value' in reading ? reading.value : undefined
  }
}

const environments: Readonly<Record<string, Environment>> = {
  development: 'development',
  dev: 'development',
  testing: 'testing',
  test: 'testing',
  production: 'production',
  prod: 'production',
}

function readDotEnv(root: string): Variables {
  try {
    return nonEmpty(parseEnv(readFileSync(join(root, '.env'), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

/** Different ways to say one thing. */
const rivals: readonly (readonly [RegExp, RegExp])[] = [
  [/^DATABASE_URL$/, /^(?:DB|POSTGRES)_(?:HOST|PORT|DB|NAME|USER|PASSWORD)$/],
  [/^REDIS_URL$/, /^REDIS_(?:HOST|PORT|PASSWORD)$/],
  [/^API_PORT$/, /^PORT$/],
]

/** `.env` without what the real environment says in another way: DATABASE_URL there beats POSTGRES_DB here. */
function withoutRivals(dotEnv: Variables, real: Variables): Variables {
  const set = Object.keys(real).map(withoutFile)
  const beaten = (name: string): boolean =>
    set.includes(name) ||
    rivals.some(
      ([one, other]) =>
        (one.test(name) && set.some((rival) => other.test(rival))) || (other.test(name) && set.some((rival) => one.test(rival))),
    )
  return Object.fromEntries(Object.entries(dotEnv).filter(([name]) => !beaten(withoutFile(name))))
}

function withoutFile(name: string): string {
  return name.replace(/_FILE$/, '')
}

/** `NAME=` in a file or a Compose list means "not set". */
/** A variable that is set to nothing counts as not set, as Compose passes on what nobody has set. */
function nonEmpty(variables: Variables): Variables {
  const table: Readonly<Record<string, Setting | undefined>> = settings
  const isSaid = ([name, value]: [string, string | undefined]): boolean =>
    value !== undefined && (value !== '' || table[name]?.emptyCounts === true)
  return Object.fromEntries(Object.entries(variables).filter(isSaid))
}

/** Warnings for names that are nearly ours. Short names differ by one letter too easily to say anything about them. */
function misspellings(names: readonly string[]): string[] {
  const known = new Set<string>(Object.keys(settings))
  return names
    .filter((name) => name.length >= 6 && !known.has(name) && !known.has(withoutFile(name)))
    .flatMap((name) => {
      const near = [...known].find((candidate) => editDistance(name, candidate, name.length < 10 ? 1 : 2) <= (name.length < 10 ? 1 : 2))
      return near === undefined ? [] : [`${name} is not a variable Plinth knows. Perhaps you meant ${near}.`]
    })
}

function deepFreeze<value>(value: value): value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
