import fc from 'fast-check';

/**
 * Runs of each fuzz test. `FUZZ_RUNS=100000 npx vitest run --project unit fuzz` looks for longer; what fails prints its
 * seed, and `FUZZ_SEED` begins there again.
 */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 200);
const SEED = process.env['FUZZ_SEED'];
/** A run that takes longer hangs. Milliseconds. */
const LONGEST_RUN = 30_000;

/** For vitest: as long as all runs may take. */
export const FUZZ_TIMEOUT = Math.max(60_000, RUNS * 1000);

/** `share`: of slow properties only every so many-th run is made. */
export async function fuzz<Values>(property: fc.IRawProperty<Values>, share = 1): Promise<void> {
  await fc.assert(property, {
    numRuns: Math.ceil(RUNS / share),
    timeout: LONGEST_RUN,
    ...(SEED !== undefined && { seed: Number(SEED) }),
  });
}

/** Something that happens to bytes, and what it is called in a report. */
interface Accident {
  readonly name: string;
  happen(bytes: Buffer): Buffer;
}

/** Bytes to which one to three accidents happened: flipped bits, cuts, inserts, swaps, repetitions, holes of zeros. */
export function damaged(original: Buffer): fc.Arbitrary<Buffer> {
  return fc.array(accident(original.length), { minLength: 1, maxLength: 3 }).map((accidents) => {
    const bytes = Buffer.from(accidents.reduce((before, { happen }) => happen(before), original));
    // A report shows what happened, not all the bytes.
    const shown = accidents.map(({ name }) => name).join(', ');
    return Object.assign(bytes, { [fc.toStringMethod]: () => shown });
  });
}

function accident(size: number): fc.Arbitrary<Accident> {
  const at = fc.nat(Math.max(size - 1, 0));
  const count = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 64 }) }, at);
  return fc.oneof(
    fc.tuple(at, fc.nat(7)).map(([place, bit]) => flip(place, bit)),
    at.map(cutAt),
    fc.tuple(at, count).map(([from, length]) => leaveOut(from, length)),
    fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 80 })).map(([place, more]) => insert(place, more)),
    fc.tuple(at, at, count).map(([one, other, length]) => exchange(one, other, length)),
    fc.tuple(at, count).map(([from, length]) => repeat(from, length)),
    fc.tuple(at, count).map(([from, length]) => blank(from, length)),
  );
}

function flip(at: number, bit: number): Accident {
  const happen = (bytes: Buffer): Buffer => {
    const bent = Buffer.from(bytes);
    if (at < bent.length) bent[at] = (bent[at] ?? 0) ^ (1 << bit);
    return bent;
  };
  return { name: `bit ${bit} of byte ${at} flipped`, happen };
}

function cutAt(at: number): Accident {
  return { name: `cut after ${at} bytes`, happen: (bytes) => bytes.subarray(0, at) };
}

function leaveOut(at: number, count: number): Accident {
  const happen = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)]);
  return { name: `${count} bytes left out at ${at}`, happen };
}

function insert(at: number, more: Uint8Array): Accident {
  const happen = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  return { name: `${Buffer.from(more).toString('hex')} put in at ${at}`, happen };
}

function repeat(at: number, count: number): Accident {
  const happen = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, at + count), bytes.subarray(at)]);
  return { name: `${count} bytes repeated at ${at}`, happen };
}

function blank(at: number, count: number): Accident {
  const happen = (bytes: Buffer): Buffer => {
    const bent = Buffer.from(bytes);
    bent.subarray(at, at + count).fill(0);
    return bent;
  };
  return { name: `${count} zeros over ${at}`, happen };
}

/** Exchanges two stretches that do not overlap. */
function exchange(one: number, other: number, count: number): Accident {
  const [first, second] = one < other ? [one, other] : [other, one];
  const length = Math.min(count, second - first);
  const happen = (bytes: Buffer): Buffer =>
    Buffer.concat([
      bytes.subarray(0, first),
      bytes.subarray(second, second + length),
      bytes.subarray(first + length, second),
      bytes.subarray(first, first + length),
      bytes.subarray(second + length),
    ]);
  return { name: `${length} bytes at ${first} and ${second} exchanged`, happen };
}
