/** The times of a lease, in milliseconds. */
export interface LeaseTerm {
  /** How long a link is good for, from the store's stamp on it. */
  readonly duration: number;
  /** How often the holder renews it, counted from when the last renewal was asked for. */
  readonly renewal: number;
  /** Pause after a renewal that the store did not answer. */
  readonly retry: number;
  /**
   * What a challenger waits on top: clocks of a store's machines may differ a little, and its times are given in whole
   * seconds.
   */
  readonly margin: number;
  /**
   * Pause after which of two writers both see whose object stands, on a store that does not decide races itself. Longer
   * than a small request takes.
   */
  readonly settle: number;
}

export const DEFAULT_TERM: LeaseTerm = {
  duration: 180_000,
  renewal: 60_000,
  retry: 5_000,
  margin: 10_000,
  settle: 3_000,
};
