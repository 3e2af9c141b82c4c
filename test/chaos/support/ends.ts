// What has to be ended when something that was started is not needed any more, in the order in which it began.

export type Ends = (() => unknown)[]

/** The last first, each of them even when another fails. @throws the first error */
export async function endAll(ends: Ends): Promise<void> {
  const errors: unknown[] = []
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    try {
      await end()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
