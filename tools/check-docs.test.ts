import { expect, onTestFinished, test } from 'vitest'
import { markProblems } from './check-docs.ts'
import { linkProblems } from './docs/links.ts'
import { readPage } from './docs/page.ts'
import { matches, runProblems } from './docs/run.ts'
import { typeProblems } from './docs/typecheck.ts'
import { clearWorkspace } from './docs/workspace.ts'

const page = (text: string, path = 'docs/page.md') => readPage(path, text)
const block = (language: string, code: string, comment = '') =>
  `${comment === '' ? '' : `<!-- ${comment} -->\n`}\`\`\`${language}\n${code}\n\`\`\`\n`

test('a link to a file or heading that is not there is reported with its line; code and the web are left alone', () => {
  const text = `# One two!\n\n[a](other.md#first) [b](#one-two) [c](gone.md) [d](#nowhere) [e](https://example.com/gone.md) \`[f](gone.md)\`\n`
  const other = readPage('docs/other.md', '# First\n')
  expect(linkProblems([page(text + block('md', '[g](gone.md)')), other], (path) => path !== 'docs/gone.md')).toEqual([
    'docs/page.md:3 The link leads nowhere: docs/gone.md does not exist.',
    'docs/page.md:3 The link leads nowhere: docs/page.md has no heading #nowhere.',
  ])
})

test('a second heading of the same name has a number', () => {
  expect([...page('# Set up\n## Set up\n## `a.b` and *c*\n').anchors]).toEqual(['set-up', 'set-up-1', 'ab-and-c'])
})

test('a shell block must be run or skipped with a reason, and a misspelt comment is reported', () => {
  expect(markProblems(page(block('bash', 'ls')))).toEqual([
    'docs/page.md:2 A shell block is run or says why not: <!-- run --> or <!-- skip: reason -->.',
  ])
  expect(markProblems(page(block('bash', 'ls', 'skip:')))).toEqual(['docs/page.md:3 Say why it is skipped: <!-- skip: reason -->.'])
  expect(markProblems(page(block('bash', 'ls', 'run, ap: shop')))[0]).toContain(
    'docs/page.md:2 The comment "run, ap: shop" says nothing known',
  )
  expect(markProblems(page(block('bash', 'ls', 'run') + block('bash', 'ls', 'skip: a, b') + block('sql', 'x')))).toEqual([])
  expect(markProblems(page(block('json', '{ "a": 1 }') + block('json', '{ a }')))).toEqual(['docs/page.md:5 This is not JSON.'])
})

test('TypeScript is checked against the doors, with hidden code in front and files of one application together', () => {
  onTestFinished(() => void clearWorkspace())
  const good = [
    block('ts', `import { AppError } from 'plinth/errors'\nexport const status: number = new AppError('A', 400, 'b').status`),
    `<!-- setup\nconst hidden = 'text'\n-->\n${block('ts', 'export const length: number = hidden.length')}`,
    block('ts', 'export const price = 3', 'app: shop, file: api/price.ts'),
    block('ts', `import { price } from './price.ts'\nexport const twice: number = 2 * price`, 'app: shop, file: api/twice.ts'),
  ]
  expect(typeProblems([page(good.join('\n'))])).toEqual([])
  const wrong = `Text.\n\n<!-- setup\nconst hidden = 'text'\n-->\n${block('ts', 'export const a = 1\nexport const length: string = hidden.length')}`
  expect(typeProblems([page(wrong)])).toEqual([`docs/page.md:8 error TS2322: Type 'number' is not assignable to type 'string'.`])
})

test('shell blocks run in order in the folder of their application, and what they print is compared', async () => {
  onTestFinished(() => void clearWorkspace())
  const make = block('bash', 'echo "{ \\"id\\": 1 }" > a.json', 'run, app: shop')
  const show = block('bash', 'cat a.json', 'run, app: shop')
  expect(await runProblems(page(make + show + block('json', '{"id":1}', 'output')))).toEqual([])
  expect(await runProblems(page(make + show + block('json', '{"id":2}', 'output')))).toEqual([
    'docs/page.md:11 Not what the block above prints:\n{ "id": 1 }\n',
  ])
  expect(await runProblems(page(block('bash', 'echo why >&2\nfalse\ntrue', 'run')))).toEqual([
    'docs/page.md:3 The block fails: exit 1\nwhy\n',
  ])
})

test('a server in the background is waited for, reached at the port that the page shows, and ended', async () => {
  onTestFinished(() => void clearWorkspace())
  const serve = `exec node -e 'require("http").createServer((_, reply) => reply.end("pid " + process.pid)).listen(8080, "127.0.0.1")'`
  const served = page(
    block('bash', serve, 'background: /') +
      block('bash', 'curl -s http://127.0.0.1:8080/ | tee pid', 'run') +
      block('text', 'pid …', 'output'),
  )
  expect(await runProblems(served)).toEqual([])
  const check = block('bash', 'kill -0 $(cut -d" " -f2 pid) 2>&1 && echo alive || echo gone', 'run') + block('text', 'gone', 'output')
  expect(await runProblems(page(check))).toEqual([])
})

test('lines shown are found in order, with … for anything', () => {
  expect(matches('a\nb 17 ms\nc\n', 'b … ms\nc')).toBe(true)
  expect(matches('a\nb\n', 'b\na')).toBe(false)
})
