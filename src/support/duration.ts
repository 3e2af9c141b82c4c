// Durations as people write them: `500ms`, `5s`, `1.5m`, `2h`, `1d`.

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `text`, whole; undefined when it is not a duration. `0` needs no unit, everything else does. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  if (unit === undefined) return Number(number) === 0 ? 0 : undefined
  const milliseconds = Math.round(Number(number) * (units[unit.toLowerCase()] ?? Number.NaN))
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined
}

/** The shortest exact way to write `milliseconds`: 90000 → `90s`, 60000 → `1m`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = units[unit] ?? 1
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`
}
