// A mail server for tests: takes every mail, or refuses the first ones as a server does that has too much to do.

import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

export interface SmtpServer {
  /** `smtp://127.0.0.1:…` */
  readonly url: string
  /** Whole mails, headers included, in the order they came. */
  readonly mails: string[]
}

/** @param refusals  mails that are refused with 451 before any is taken */
export async function smtpServer(refusals = 0): Promise<SmtpServer> {
  const mails: string[] = []
  const sockets = new Set<Socket>()
  let left = refusals
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    serve(socket, mails, () => left-- > 0)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, mails }
}

function serve(socket: Socket, mails: string[], refuses: () => boolean): void {
  let mail: string[] | undefined
  const say = (line: string): void => void socket.write(`${line}\r\n`)
  say('220 test')
  createInterface({ input: socket }).on('line', (line) => {
    if (mail !== undefined && line !== '.') return void mail.push(line)
    if (mail !== undefined) {
      mails.push(mail.join('\n'))
      mail = undefined
      return say('250 taken')
    }
    const command = line.slice(0, 4).toUpperCase()
    if (command === 'MAIL' && refuses()) return say('451 later')
    if (command === 'DATA') mail = []
    say(command === 'DATA' ? '354 go on' : command === 'QUIT' ? '221 bye' : '250 ok')
  })
}
