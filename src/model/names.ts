// English names of tables: one or many, and how they look in a schema. Small on purpose: a name that it gets wrong
// is still a name, and `relations` in a resource gives a better one.

/** One and many of words that follow no rule; of two plurals the first is the one we write. */
const irregular = `
  person people, child children, man men, woman women, mouse mice, goose geese, foot feet, tooth teeth, ox oxen, criterion criteria,
  phenomenon phenomena, quiz quizzes, axis axes, index indexes, index indices, matrix matrices, vertex vertices, appendix appendices,
  analysis analyses, basis bases, crisis crises, diagnosis diagnoses, hypothesis hypotheses, thesis theses, synopsis synopses,
  parenthesis parentheses, alias aliases, atlas atlases, bias biases, canvas canvases, gas gases, iris irises, lens lenses, leaf leaves,
  life lives, knife knives, wife wives, wolf wolves, shelf shelves, half halves, calf calves, thief thieves, loaf loaves, hero heroes,
  potato potatoes, tomato tomatoes, echo echoes, veto vetoes, movie movies, cookie cookies, calorie calories, zombie zombies, pie pies,
  tie ties, menu menus, cache caches, niche niches, headache headaches, use uses, fuse fuses, excuse excuses`
  .trim()
  .split(/,\s*/)
  .map((pair) => pair.split(' ') as [singular: string, plural: string])

const uncountable = new Set(
  `aircraft cash content data deer equipment feedback fish information knowledge mail means media metadata money music news research
  series sheep software species staff stuff traffic weather`.split(/\s+/),
)

type Rule = readonly [ending: RegExp, replacement: string]

const toSingular: readonly Rule[] = [
  [/([^aeiou])ies$/, '$1y'],
  [/(ss|sh|ch|x|zz)es$/, '$1'],
  [/([^aeo]u)ses$/, '$1s'],
  [/(ss|us|is)$/, '$1'],
  [/s$/, ''],
]

const toPlural: readonly Rule[] = [
  [/([^aeiou])y$/, '$1ies'],
  [/(s|sh|ch|x|zz)$/, '$1es'],
  [/$/, 's'],
]

const singulars = new Map(irregular.map(([one, many]) => [many, one]))
const plurals = new Map(irregular.toReversed())

/** `order_items` → `order_item`. Only the last word changes; what is already singular stays. */
export function singular(name: string): string {
  return inflect(name, singulars, plurals, toSingular)
}

/** `order_item` → `order_items`. */
export function plural(name: string): string {
  return inflect(name, plurals, singulars, toPlural)
}

function inflect(name: string, known: ReadonlyMap<string, string>, already: ReadonlyMap<string, string>, rules: readonly Rule[]): string {
  const [, before = '', word = ''] = /^(.*?)([a-z]*)$/i.exec(name) ?? []
  const [, camelBefore = '', last = ''] = /^(.*?)([A-Z]?[a-z]*)$/.exec(word) ?? []
  const lower = last.toLowerCase()
  if (lower === '' || uncountable.has(lower) || already.has(lower)) return name
  const inflected = known.get(lower) ?? applyFirst(rules, lower)
  return before + camelBefore + (last === lower ? inflected : inflected.charAt(0).toUpperCase() + inflected.slice(1))
}

function applyFirst(rules: readonly Rule[], word: string): string {
  const rule = rules.find(([ending]) => ending.test(word))
  return rule === undefined ? word : word.replace(...rule)
}

/** `order_items` → `OrderItems`: the name of a schema. Characters that a schema name cannot have are dropped. */
export function pascalCase(name: string): string {
  return name
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
