// Texts → the text of a PostgreSQL array, for `= any($1)`.

/** Every element is quoted: that is right for all types, and cheaper than finding out which need it. */
export function arrayText(elements: readonly string[]): string {
  return `{${elements.map(quoted).join(',')}}`
}

function quoted(element: string): string {
  return `"${needsEscape.test(element) ? element.replace(/[\\"]/g, (character) => `\\${character}`) : element}"`
}

const needsEscape = /[\\"]/
