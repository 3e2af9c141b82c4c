// Lets the command line of an application ask its running processes: both read the application's secret, and nobody else knows it.

import { createHmac, timingSafeEqual } from 'node:crypto'

/** How far the clocks of the two may be apart, and how long a token that somebody has overheard is good. */
const goodForMs = 60_000

/** @param request  what is asked for; a token for one thing is none for another */
export function operatorToken(secret: string, request: string, now = Date.now()): string {
  return `${now}.${sign(secret, request, now)}`
}

export function isOperatorToken(secret: string, request: string, token: string, now = Date.now()): boolean {
  const [, time = '', signature = ''] = /^(\d{1,15})\.([\w-]+)$/.exec(token) ?? []
  const right = Buffer.from(sign(secret, request, Number(time)))
  const given = Buffer.from(signature)
  const isOurs = right.length === given.length && timingSafeEqual(right, given)
  return isOurs && Math.abs(now - Number(time)) <= goodForMs
}

function sign(secret: string, request: string, time: number): string {
  return createHmac('sha256', `operator:${secret}`).update(`${time}\n${request}`).digest('base64url')
}
