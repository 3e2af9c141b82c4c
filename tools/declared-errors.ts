// Every error code of the product: loads each file of src/ that declares some.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { declaredErrors, type DeclaredError } from '../src/core/errors.ts'
import { isTest, root, sourceFiles, walk, type SourceFile } from './source-files.ts'

/**
 * Sorted by code.
 *
 * @throws Error when a code is declared twice
 */
export async function productErrors(): Promise<DeclaredError[]> {
  const declaring = sourceFiles().filter((file) => !isTest(file.path) && declaresErrors(file))
  await Promise.all(declaring.map((file) => import(pathToFileURL(join(root, file.path)).href)))
  return declaredErrors()
}

function declaresErrors(file: SourceFile): boolean {
  let found = false
  walk(file.syntax.program, (node) => {
    found ||= node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'defineErrors'
  })
  return found
}
