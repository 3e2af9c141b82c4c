// How far behind a replica is in time, without comparing two machines' clocks: since when the primary has been where the replica is not.

/** Where the primary was, and when this process learned it. */
interface Sample {
  readonly at: number
  readonly byte: bigint
}

export class LagClock {
  readonly #keepMs: number
  #samples: Sample[] = []

  /** @param keepMs  lag that is longer is not told apart */
  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  /** The last place of the primary that is known. */
  get byte(): bigint | undefined {
    return this.#samples.at(-1)?.byte
  }

  saw(byte: bigint, at: number): void {
    const last = this.#samples.at(-1)
    // After a failover or a restore the primary may stand further back: what was before means nothing any more.
    if (last !== undefined && byte < last.byte) this.#samples = []
    if (last?.byte !== byte) this.#samples.push({ at, byte })
    while ((this.#samples[1]?.at ?? Infinity) < at - this.#keepMs) this.#samples.shift()
  }

  /** Milliseconds since the primary passed `byte`, as far as it was watched; 0 when it has not. */
  behind(byte: bigint, now: number): number {
    const passed = this.#samples.find((sample) => sample.byte > byte)
    return passed === undefined ? 0 : now - passed.at
  }
}
