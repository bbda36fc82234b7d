interface Sample {
  readonly at: number;
  readonly value: number;
}

/** How fast a count grows, told over its last moments: shorter ones flicker, longer ones lag. All times in milliseconds. */
export class Rate {
  readonly #samples: Sample[] = [];

  constructor(
    /** Over how long it is told, and how long it takes until there is something to tell. */
    readonly window: number,
    readonly least: number,
  ) {}

  /** Takes the count of now. Returns by how much it grows in a second; undefined until that can be told. */
  take(value: number, now: number): number | undefined {
    const samples = this.#samples;
    const last = samples.at(-1);
    // Events come for every piece of a stream; a sample for each tenth of a second is enough.
    if (last === undefined || now - last.at >= 100) samples.push({ at: now, value });
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > this.window) samples.shift();
    const [first] = samples;
    if (first === undefined || now - first.at < this.least) return undefined;
    return ((value - first.value) * 1000) / (now - first.at);
  }
}
