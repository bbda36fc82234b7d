import { expect } from 'vitest';
import type { Fault as Answer, SeenRequest } from '../../interop/repository/faulty-proxy.js';
import type { Fault, Operation } from './fault.js';

/** What the store does to a request; `when` says to which. */
interface StoreFault {
  readonly name: string;
  readonly on: readonly Operation[];
  readonly quick?: readonly Operation[];
  readonly when: (request: SeenRequest) => boolean;
  readonly answer: Answer;
  /** Every time; without it, once. */
  readonly always?: true;
  /** So many requests pass first. */
  readonly after?: number;
}

const any = (): boolean => true;
const isData = ({ url }: SeenRequest): boolean => /\.age(\?|$)/.test(url);
const storesData = (request: SeenRequest): boolean => request.method === 'PUT' && isData(request);
const readsData = (request: SeenRequest): boolean => request.method === 'GET' && isData(request);
const storesSidecar = ({ method, url }: SeenRequest): boolean => method === 'PUT' && /\.json(\?|$)/.test(url);
const lists = ({ method, url }: SeenRequest): boolean => method === 'GET' && url.includes('list-type=2');
const removes = ({ method }: SeenRequest): boolean => method === 'DELETE';

const READERS = ['backup', 'verify', 'restore', 'drill'] as const;
const ALL_BUT_DRILL = ['backup', 'verify', 'prune', 'restore'] as const;

const ROWS: readonly StoreFault[] = [
  row('resets a download', READERS, readsData, { cutAfter: 100_000 }, { quick: ['verify'] }),
  row(
    'resets every download',
    READERS,
    readsData,
    { cutAfter: 100_000 },
    { always: true, quick: ['verify'] },
  ),
  row('resets an upload', ['backup'], storesData, { cutRequestAfter: 50_000 }),
  row('resets every upload', ['backup'], storesData, { cutRequestAfter: 50_000 }, { always: true }),
  row('loses its answer to an upload', ['backup'], storesData, { loseAnswer: true }),
  row('loses its answer to a removal', ['prune'], removes, { loseAnswer: true }),
  row('answers 500 once', ALL_BUT_DRILL, any, { answer: 500, code: 'InternalError' }, { after: 2 }),
  row('answers 500 to everything', READERS, any, { answer: 500, code: 'InternalError' }, { always: true }),
  row(
    'answers 500 to removals',
    ['prune'],
    removes,
    { answer: 500, code: 'InternalError' },
    {
      always: true,
      quick: ['prune'],
    },
  ),
  row(
    'answers 500 to the sidecar',
    ['backup'],
    storesSidecar,
    { answer: 500, code: 'InternalError' },
    {
      always: true,
    },
  ),
  row('asks to slow down', ALL_BUT_DRILL, any, { answer: 503, code: 'SlowDown' }, { after: 1 }),
  row(
    'asks to slow down and never stops',
    ['backup', 'prune'],
    any,
    { answer: 503, code: 'SlowDown' },
    {
      always: true,
      after: 3,
    },
  ),
  row(
    'is of another region',
    ALL_BUT_DRILL,
    any,
    { answer: 400, code: 'AuthorizationHeaderMalformed' },
    {
      always: true,
    },
  ),
  row(
    'moved to another region',
    ['backup', 'verify'],
    any,
    { answer: 301, code: 'PermanentRedirect' },
    {
      always: true,
    },
  ),
  row(
    'no longer takes the credentials',
    READERS,
    any,
    { answer: 403, code: 'ExpiredToken' },
    {
      always: true,
      after: 2,
      quick: ['backup'],
    },
  ),
  row(
    'no longer takes the credentials for removals',
    ['prune'],
    removes,
    { answer: 403, code: 'ExpiredToken' },
    {
      always: true,
    },
  ),
  row('forgets what it said it had stored', ['backup'], storesData, { swallow: true }, { quick: ['backup'] }),
  row('forgets the sidecar', ['backup'], storesSidecar, { swallow: true }),
  row('bends a byte on the way out', READERS, readsData, { bendByte: 70_000 }),
  row('bends a byte on the way in', ['backup'], storesData, { bendRequestByte: 70_000 }),
  row(
    'lists what was, and not what is',
    ALL_BUT_DRILL,
    lists,
    { stale: true },
    {
      always: true,
      quick: ['prune'],
    },
  ),
  row('does not answer a download', ['verify', 'restore'], readsData, { hang: true }),
  row('does not answer an upload', ['backup'], storesData, { hang: true }),
];

export const STORE_FAULTS: readonly Fault[] = [
  ...ROWS.map(
    ({ name, on, quick = [], when, answer, always, after = 0 }): Fault => ({
      name: `a store that ${name}`,
      on,
      quick,
      disturb: async ({ store }, run) => {
        let seen = 0;
        let met = 0;
        store.faults = (request) => {
          if (!when(request)) return undefined;
          seen += 1;
          if (seen <= after || (always !== true && met > 0)) return undefined;
          met += 1;
          return answer;
        };
        const outcome = await run().outcome;
        expect(met, outcome.stdout.slice(-2000)).toBeGreaterThan(0);
        return outcome;
      },
    }),
  ),
  {
    name: 'a store that loses a part of an upload',
    on: ['backup'],
    disturb: async (stage, run) => {
      await stage.onHost(`head -c 41943040 /dev/urandom >${LARGE}`);
      await stage.writeInventory({ coolify_extra_paths: [LARGE] });
      let met = 0;
      stage.store.faults = ({ url }) => {
        if (met > 0 || !url.includes('partNumber=2&')) return undefined;
        met += 1;
        return { swallow: true };
      };
      try {
        const outcome = await run().outcome;
        expect(met).toBe(1);
        return outcome;
      } finally {
        await stage.writeInventory();
        await stage.onHost(`rm ${LARGE}`);
      }
    },
    expect: ({ status, stdout }) => expect(status, stdout.slice(-2000)).toBe(1),
  },
];

const LARGE = '/root/large-and-random';

function row(
  name: string,
  on: readonly Operation[],
  when: StoreFault['when'],
  answer: Answer,
  more: Pick<StoreFault, 'always' | 'after' | 'quick'> = {},
): StoreFault {
  return { name, on, when, answer, ...more };
}
