import type { Lane } from '../lane.js';

/**
 * Whose turn it is: the group that was served longest ago, and in it the lane that was. A group with a thousand jobs waits as
 * long for its next turn as one with three.
 */
export class Turns {
  #turn = 0;
  readonly #groups = new Map<string, number>();
  readonly #lanes = new Map<string, number>();

  /** In the order in which they are to be asked. */
  order(lanes: readonly Lane[]): Lane[] {
    return [...lanes].sort(
      (a, b) =>
        (this.#groups.get(a.group) ?? 0) - (this.#groups.get(b.group) ?? 0) ||
        (this.#lanes.get(a.name) ?? 0) - (this.#lanes.get(b.name) ?? 0) ||
        (a.name < b.name ? -1 : 1),
    );
  }

  /** A job of the lane was taken. */
  served({ group, name }: Lane): void {
    this.#turn++;
    this.#groups.set(group, this.#turn);
    this.#lanes.set(name, this.#turn);
  }
}
