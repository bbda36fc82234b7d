/** Takes the bytes of a block, piece by piece, in order. */
export interface ByteSink {
  /**
   * Takes `source` from `from` to before `to`; keeps no reference to it afterwards. Returns a promise only when the
   * caller has to wait until there is room, and until then must leave `source` alone.
   */
  write(source: Buffer, from: number, to: number): Promise<void> | undefined;
}
