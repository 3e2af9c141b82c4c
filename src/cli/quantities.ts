// Quantities for people: rounded, with a unit that fits.

const units = ['bytes', 'KB', 'MB', 'GB'] as const

/** 1536 → `1.5 KB` */
export function amount(bytes: number): string {
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  return `${rounded(bytes / 1024 ** step)} ${units[step]}`
}

/** 125,000 → `2 min` */
export function span(milliseconds: number): string {
  const seconds = milliseconds / 1_000
  if (seconds < 1) return `${Math.round(milliseconds)} ms`
  if (seconds < 120) return `${rounded(seconds)} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${rounded((part * 100) / whole)} %`
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10)
}
