// Signing in on the reference page, with a session of this origin: its cookie is the browser's, and no script sees it. Requests that are
// tried then come from that user, in the tenant that is chosen here.

/* global document, fetch, location, sessionStorage */

import { element } from './element.js'

const signInPath = '/auth/sign-in'
const tenantsPath = '/auth/tenants'
/** Kept for a reload of the page, until the browser's tab is closed. */
const chosenTenant = 'plinth-docs-tenant'

/**
 * The panel of an application whose users sign in; nothing for any other.
 *
 * @param description  the OpenAPI document
 * @param isSignedIn   what the server knew when it sent the page
 */
export function addAccount(place, description, isSignedIn) {
  if (description.paths[signInPath]?.post === undefined) return
  const hasTenants = description.paths[tenantsPath]?.get !== undefined
  const show = async (signedIn) => {
    if (!signedIn) sessionStorage.removeItem(chosenTenant)
    place.replaceChildren(signedIn ? await signedInPanel(hasTenants, show) : signInForm(show))
  }
  return show(isSignedIn)
}

/** A Swagger UI interceptor: requests that name no tenant by themselves act in the one that is chosen. */
export function withTenant(request) {
  const tenant = sessionStorage.getItem(chosenTenant)
  const isOurs = new URL(request.url, location.href).origin === location.origin
  const named = Object.keys(request.headers).some((name) => name.toLowerCase() === 'x-tenant')
  if (tenant !== null && isOurs && !named) request.headers['X-Tenant'] = tenant
  return request
}

function signInForm(show) {
  const email = input('email', { type: 'email', placeholder: 'E-mail address', autocomplete: 'username', required: true })
  const password = input('password', { type: 'password', placeholder: 'Password', autocomplete: 'current-password', required: true })
  const code = input('code', { type: 'text', placeholder: 'Code', autocomplete: 'one-time-code', hidden: true })
  const problem = element('p', { className: 'problem', role: 'alert' })
  const form = element('form', { className: 'account' }, email, password, code, button('Sign in', 'submit'), problem)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const second = code.value === '' ? {} : { code: code.value }
    const reply = await send('POST', signInPath, { email: email.value, password: password.value, mode: 'cookie', ...second })
    if (reply.ok) return show(true)
    if (reply.code === 'AUTH_CODE_REQUIRED') code.hidden = false
    problem.textContent = reply.problem
  })
  return form
}

async function signedInPanel(hasTenants, show) {
  const me = await send('GET', '/auth/me')
  if (!me.ok) return signInForm(show)
  const out = button('Sign out', 'button')
  out.addEventListener('click', async () => {
    await send('POST', '/auth/sign-out')
    await show(false)
  })
  const who = element('p', {}, 'Signed in as ', element('strong', {}, me.data.email))
  return element('section', { className: 'account' }, who, ...(hasTenants ? [await tenantChoice()] : []), out)
}

/** The first choice leaves it to the session. */
async function tenantChoice() {
  const { data } = await send('GET', tenantsPath)
  const options = (data ?? []).map(({ tenant, name }) => element('option', { value: tenant }, name ?? tenant))
  const select = element(
    'select',
    { id: 'tenant', ariaLabel: 'Tenant' },
    element('option', { value: '' }, 'The tenant of the session'),
    ...options,
  )
  select.value = sessionStorage.getItem(chosenTenant) ?? ''
  if (select.selectedIndex < 0) select.value = ''
  const keep = () => (select.value === '' ? sessionStorage.removeItem(chosenTenant) : sessionStorage.setItem(chosenTenant, select.value))
  keep()
  select.addEventListener('change', keep)
  return select
}

/** Replies look as the application's do: with an envelope around them, or without. */
async function send(method, path, body) {
  const json = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const reply = await fetch(path, { method, ...json }).catch(() => undefined)
  if (reply === undefined) return { ok: false, problem: 'The server does not answer.' }
  const said = await reply.json().catch(() => ({}))
  if (reply.ok) return { ok: true, data: said.success === true && 'data' in said ? said.data : said }
  return { ok: false, code: said.code, problem: said.error ?? said.message ?? said.detail ?? `The server answers ${reply.status}.` }
}

function input(name, properties) {
  return element('input', { name, ariaLabel: properties.placeholder, ...properties })
}

function button(text, type) {
  return element('button', { type, className: 'btn' }, text)
}
