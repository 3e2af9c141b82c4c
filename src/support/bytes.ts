// Amounts of bytes as people write them: `512`, `64KB`, `1MB`. A KB is 1024 bytes, as in nginx and PostgreSQL; KiB is the same.

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1_024, m: 1_048_576, g: 1_073_741_824 }

/** Bytes of `text`, whole; undefined when it is not an amount. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*(b|[kmg]i?b?)?$/i.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  const bytes = Math.round(Number(number) * (units[unit.charAt(0).toLowerCase()] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest exact way to write `bytes`: 1048576 → `1MB`, 1000 → `1000 bytes`. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1_073_741_824],
    ['MB', 1_048_576],
    ['KB', 1_024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes} bytes`
}
