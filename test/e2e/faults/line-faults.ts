import { expect } from 'vitest';
import type { Fault } from './fault.js';
import type { LineFault } from './line.js';

/** The connection to the host breaks, in each of its ways, at a byte of each of its streams. */

const HOW: readonly LineFault['how'][] = ['reset', 'freeze', 'host gone', 'we are gone'];
/** The greeting, the handshake, the first answers, the dump in its middle and near its end. */
const FROM_HOST = [1, 1000, 20_000, 1_000_000, 5_000_000];
/** The greeting, the handshake, commands. */
const TO_HOST = [1, 1200, 6000];

const QUICK: readonly string[] = [
  'a connection: reset after 1000000 bytes from the host',
  'a connection: freeze after 1000000 bytes from the host',
  'a connection: we are gone after 1200 bytes to the host',
];

export const LINE_FAULTS: readonly Fault[] = [
  ...HOW.flatMap((how) => [
    ...FROM_HOST.map((after) => lineFault({ stream: 'from the host', after, how })),
    ...TO_HOST.map((after) => lineFault({ stream: 'to the host', after, how })),
  ]),
  // The dump goes the other way then.
  ...HOW.map(
    (how): Fault => ({ ...lineFault({ stream: 'to the host', after: 2_000_000, how }), on: ['restore'] }),
  ),
];

function lineFault(fault: LineFault): Fault {
  const name = `a connection: ${fault.how} after ${fault.after} bytes ${fault.stream}`;
  return {
    name,
    on: fault.after === 20_000 ? ['backup', 'restore'] : ['backup'],
    ...(QUICK.includes(name) && { quick: ['backup'] }),
    disturb: async ({ line }, run) => {
      const before = line.met();
      line.break(fault);
      const outcome = await run().outcome;
      expect(line.met()).toBe(before + 1);
      return outcome;
    },
  };
}
