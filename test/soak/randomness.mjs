/** Random choices that a seed brings again (mulberry32). */
export class Randomness {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0, below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability) {
    return this.next() < probability;
  }

  /** A whole number from the first to the last. */
  between(first, last) {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  pick(values) {
    return values[Math.floor(this.next() * values.length)];
  }

  /** A name of an object whose values have weights. */
  weighted(choices) {
    const entries = Object.entries(choices);
    let left = this.next() * entries.reduce((sum, [, { weight }]) => sum + weight, 0);
    for (const [name, { weight }] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)[0];
  }
}
