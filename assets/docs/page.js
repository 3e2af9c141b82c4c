// The reference page in the browser: Swagger UI on the application's document, with a sidebar of all operations.
// Loaded from the application itself; the page's policy allows nothing else.

/* global SwaggerUIBundle, document, location, matchMedia, fetch, window */

import { addAccount, withTenant } from './account.js'
import { element } from './element.js'

const methods = ['get', 'post', 'put', 'patch', 'delete']

const reference = document.getElementById('reference')
const sidebar = document.getElementById('contents')
const search = document.getElementById('search')

followColorScheme()
search.addEventListener('input', narrow)
try {
  const description = await readDescription(document.body.dataset.description)
  sidebar.append(...sections(description))
  narrow()
  const account = addAccount(document.getElementById('account'), description, document.body.dataset.caller === 'user')
  showReference(description)
  await account
} catch (error) {
  reference.textContent = `The description of the API could not be shown: ${error.message}`
}

function followColorScheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
  dark.addEventListener('change', apply)
  apply()
}

/** The document; requests are tried at this address, also when it names a public one. */
async function readDescription(url) {
  const reply = await fetch(url)
  if (!reply.ok) throw new Error(`${url} answers ${reply.status}.`)
  const description = await reply.json()
  const elsewhere = (description.servers ?? []).filter((server) => new URL(server.url, location.href).origin !== location.origin)
  return { ...description, servers: [{ url: '/', description: 'this server' }, ...elsewhere] }
}

function sections(description) {
  const operations = operationsOf(description)
  return description.tags.map(({ name }) => {
    const links = operations.filter((operation) => operation.tag === name).map(linkTo)
    return element(
      'section',
      {},
      element('h2', {}, element('a', { href: `#/${name}` }, name.replaceAll(/[_-]/g, ' '))),
      element('ul', {}, ...links),
    )
  })
}

function operationsOf({ paths }) {
  return Object.values(paths).flatMap((item) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => ({ method, tag: item[method].tags[0], id: item[method].operationId, summary: item[method].summary })),
  )
}

function linkTo({ method, tag, id, summary }) {
  const badge = element('span', { className: `method ${method}` }, method === 'delete' ? 'del' : method)
  return element('li', {}, element('a', { href: `#/${tag}/${id}` }, badge, element('span', {}, summary)))
}

function showReference(description) {
  const ui = SwaggerUIBundle({
    domNode: reference,
    spec: withoutCookies(description),
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    requestSnippetsEnabled: true,
    tryItOutEnabled: true,
    validatorUrl: 'none',
    requestInterceptor: withTenant,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [foldFilters],
  })
  document.body.classList.toggle('one-server', description.servers.length === 1)
  document.body.classList.toggle('guarded', description.components?.securitySchemes !== undefined)
  const open = () => ui.layoutActions.parseDeepLinkHash(location.hash)
  window.addEventListener('hashchange', () => {
    open()
    mark()
  })
  mark()
}

/** What Swagger UI can be told to send. The cookie of a session is set by signing in, and no script can set it. */
function withoutCookies(description) {
  const { securitySchemes = {} } = description.components ?? {}
  const kept = Object.fromEntries(Object.entries(securitySchemes).filter(([, { in: place }]) => place !== 'cookie'))
  const isKept = (way) => Object.keys(way).every((name) => kept[name] !== undefined)
  const narrowed = (part) => (part.security === undefined ? part : { ...part, security: part.security.filter(isKept) })
  const items = Object.entries(description.paths).map(([path, item]) => [
    path,
    Object.fromEntries(Object.entries(item).map(([key, part]) => [key, methods.includes(key) ? narrowed(part) : part])),
  ])
  return { ...description, paths: Object.fromEntries(items), components: { ...description.components, securitySchemes: kept } }
}

/** Marks the link of the operation that is shown. */
function mark() {
  for (const link of sidebar.querySelectorAll('a')) link.classList.toggle('current', link.getAttribute('href') === location.hash)
}

/** A Swagger UI plugin: a list has a filter for every field and operator, so they stay folded until they are asked for. */
function foldFilters({ React }) {
  const isFilter = (parameter) => (parameter.get('name') ?? '').startsWith('filter[')
  const wrap = (Parameters) =>
    function FoldedParameters(props) {
      const [open, setOpen] = React.useState(false)
      const [words, setWords] = React.useState('')
      const filters = props.parameters.filter(isFilter)
      if (filters.size === 0) return React.createElement(Parameters, props)
      const shown = props.parameters.filter((parameter) => !isFilter(parameter) || (open && parameter.get('name').includes(words)))
      return React.createElement(
        'div',
        null,
        React.createElement(Parameters, { ...props, parameters: shown }),
        React.createElement(
          'div',
          { className: 'filters' },
          React.createElement(
            'button',
            { type: 'button', className: 'btn', onClick: () => setOpen(!open) },
            open ? 'Hide filters' : `Show ${filters.size} filters`,
          ),
          open &&
            React.createElement('input', {
              type: 'search',
              placeholder: 'Name of a field',
              'aria-label': 'Name of a field',
              value: words,
              onChange: (event) => setWords(event.target.value),
            }),
        ),
      )
    }
  return { wrapComponents: { parameters: wrap } }
}

/** Leaves the operations in the sidebar whose summary or group has the words. */
function narrow() {
  const words = search.value.toLowerCase().trim()
  for (const section of sidebar.children) {
    const group = section.querySelector('h2').textContent.includes(words)
    const items = [...section.querySelectorAll('li')]
    for (const item of items) item.hidden = !group && !item.textContent.toLowerCase().includes(words)
    section.hidden = items.every((item) => item.hidden)
  }
}
