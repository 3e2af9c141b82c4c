// What whole runs have found, kept while they go on: what was stopped has its page, and `--more` goes on from there.

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Tally } from './history.ts'
import type { Finding } from './report.ts'

export class FindingsFile {
  readonly #file: string

  /** @param file  a line of JSON for each finding */
  constructor(file: string) {
    this.#file = file
  }

  clear(): void {
    rmSync(this.#file, { force: true })
  }

  add(findings: readonly Finding[]): void {
    mkdirSync(dirname(this.#file), { recursive: true })
    const plain = (_key: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value)
    appendFileSync(this.#file, findings.map((finding) => `${JSON.stringify(finding, plain)}\n`).join(''))
  }

  all(): Finding[] {
    if (!existsSync(this.#file)) return []
    return readFileSync(this.#file, 'utf8').trimEnd().split('\n').filter(Boolean).map(read)
  }
}

function read(line: string): Finding {
  const finding = JSON.parse(line) as Finding
  return { ...finding, tally: { ...finding.tally, failures: counts(finding.tally.failures), cache: counts(finding.tally.cache) } }
}

function counts(plain: unknown): Tally['cache'] {
  return new Map(Object.entries(plain as Readonly<Record<string, number>>))
}
