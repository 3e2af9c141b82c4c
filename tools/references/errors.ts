// docs/reference/errors.md: what every error code means.

import type { DeclaredError } from '../../src/core/errors.ts'
import { productErrors } from '../declared-errors.ts'
import { code, table } from './markdown.ts'

const introduction = `Every refusal carries a stable \`code\`. Decide by the code: messages may get better, codes never change their meaning and are never reused.
A detail of a larger error (\`details\`) has a code of its own from the same list.`

export async function errorsReference(): Promise<string> {
  const areas = Map.groupBy(await productErrors(), areaOf)
  const sections = [...areas].map(([area, errors]) => `## ${area}\n\n${table(['code', 'status', 'meaning'], errors.map(rowOf))}`)
  return ['# Errors', introduction, ...sections].join('\n\n')
}

function areaOf(error: DeclaredError): string {
  return error.code.split('_')[0] ?? error.code
}

function rowOf({ code: name, status, summary }: DeclaredError): string[] {
  return [code(name), String(status), summary]
}
