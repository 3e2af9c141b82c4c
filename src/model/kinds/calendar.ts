// Days and moments as PostgreSQL and ISO 8601 both have them: years 0001 to 9999, the Gregorian calendar, no leap seconds.

/** Midnight UTC of a day, or undefined when the calendar has no such day. `month` counts from 1. */
export function calendarDay(year: number, month: number, day: number): Date | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const same = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return same && hasPlainYear(date) ? date : undefined
}

/** Years that every ISO 8601 reader understands. */
export function hasPlainYear(date: Date): boolean {
  return date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999
}
