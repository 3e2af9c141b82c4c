// The standard words of each status: `Not Found`. Taken from Node without an `import`, which copies every property of
// node:http and so runs the getter that loads undici: a tenth of the time to start.

const { STATUS_CODES } = process.getBuiltinModule('node:http')

export function statusText(status: number): string | undefined {
  return STATUS_CODES[status]
}
