// How much is tried: enough to notice a slip in `npm test`, the promised numbers in `npm run guarantees`.

/** True in `npm run guarantees`. */
export const isLong: boolean = process.env['GUARANTEES'] === 'long'

/** What random choices start from. `SEED=7 npm run guarantees` tries others; a failure says which one it had. */
export const seed: number = Number(process.env['SEED'] ?? 20_260_101)

export function amount(short: number, long: number): number {
  return isLong ? long : short
}

/** A number that the report of the stage is to have. */
export function report(line: string): void {
  if (isLong) process.stdout.write(`${line}\n`)
}
