// How well two kinds of values can be told apart.

/**
 * Chance that a value of `one` is larger than one of `other`: 0.5 where nobody can tell them apart. With n values of each kind, chance alone
 * moves it by about 0.41 / sqrt(n).
 */
export function areaUnderCurve(one: readonly number[], other: readonly number[]): number {
  const wins = one.map((value) => other.filter((rival) => rival < value).length + other.filter((rival) => rival === value).length / 2)
  return wins.reduce((sum, win) => sum + win, 0) / (one.length * other.length)
}
