// What a run was measured with.

import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

const packages = ['fastify', 'drizzle-orm', 'pg', '@redis/client', 'express', 'sequelize']

export function versions(postgres: string): (readonly [string, string])[] {
  return [['Node', process.versions.node], ['PostgreSQL', postgres], ...packages.map((name) => [name, packageVersion(name)] as const)]
}

function packageVersion(name: string): string {
  const file = join(import.meta.dirname, '../node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

export function machine(): string {
  const [first, ...others] = cpus()
  return `${others.length + 1} cores (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`
}
