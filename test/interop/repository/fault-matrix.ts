import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { openRepository } from '../../../src/repository/open.js';
import type { Repository } from '../../../src/repository/repository.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { chunked } from './contract.js';
import { type Fault, type FaultyProxy, type SeenRequest, startFaultyProxy } from './faulty-proxy.js';

const MiB = 1024 * 1024;

/** The steps of publishing a snapshot in two parts, by their requests. */
const STEPS: ReadonlyMap<string, (request: SeenRequest) => boolean> = new Map([
  ['the listing before', ({ method, url }) => method === 'GET' && url.includes('list-type=2')],
  ['the question whether it is there', ({ method }) => method === 'HEAD'],
  ['the beginning of the upload', ({ method, url }) => method === 'POST' && url.includes('uploads')],
  ['the first part', ({ method, url }) => method === 'PUT' && url.includes('partNumber=1')],
  ['the last part', ({ method, url }) => method === 'PUT' && url.includes('partNumber=2')],
  ['putting the parts together', ({ method, url }) => method === 'POST' && url.includes('uploadId=')],
  ['reading back', ({ method, url }) => method === 'GET' && /\.age(\?|$)/.test(url)],
  ['the sidecar', ({ method, url }) => method === 'PUT' && /\.json(\?|$)/.test(url)],
]);

const FAULTS: ReadonlyMap<string, Fault> = new Map<string, Fault>([
  ['is answered with 503 SlowDown', { answer: 503, code: 'SlowDown' }],
  ['is done, and its answer lost', { loseAnswer: true }],
  ['hangs', { hang: true }],
  ['is reset in the middle of the request', { cutRequestAfter: 1000 }],
  ['is reset in the middle of the answer', { cutAfter: 10 }],
  ['arrives with another byte', { bendRequestByte: 4711 }],
]);

/**
 * Every fault at every step, once and for good: publishing ends with a snapshot that is whole, or with an error that says
 * why and nothing listed.
 */
export function faultMatrix(
  name: string,
  open: () => Promise<{
    readonly settings: S3Settings & { readonly endpoint: string };
    /** What the store itself cannot do is answered by the proxy. */
    readonly stoodIn?: (request: SeenRequest) => Fault | undefined;
    stop(): Promise<void>;
  }>,
  { onlyOnce = false }: { readonly onlyOnce?: boolean } = {},
): void {
  describe(`publishing to ${name} through a bad network`, () => {
    let settings: S3Settings & { readonly endpoint: string };
    let near: Repository;
    let stoodIn: (request: SeenRequest) => Fault | undefined;
    let stop: () => Promise<void>;
    beforeAll(async () => {
      const subject = await open();
      stop = subject.stop;
      stoodIn = subject.stoodIn ?? (() => undefined);
      settings = { ...subject.settings, maxAttempts: 3, partSize: 5 * MiB };
      near = await openRepository(settings);
    });
    afterAll(async () => {
      await near?.close();
      await stop?.();
    });

    /** Publishes under a host of its own, through a proxy of its own. */
    const publish = async (host: string, content: Buffer, faults: FaultyProxy['faults']) => {
      const proxy = await startFaultyProxy(settings.endpoint);
      proxy.faults = faults;
      const distant = await openRepository({ ...settings, endpoint: proxy.endpoint, idleTimeout: 1500 });
      const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
      try {
        return await new SnapshotRepository(distant)
          .publish(host, new Date(), chunked(content), facts)
          .catch((error: unknown) => error);
      } finally {
        await distant.close();
        await proxy.stop();
      }
    };

    const cases = [...STEPS.keys()].flatMap((step) =>
      [...FAULTS.keys()].flatMap((fault) => {
        // What never stops hanging costs time and is one case like the others that never stop.
        const often =
          onlyOnce || fault === 'hangs' || fault.startsWith('is reset') ? ['once'] : ['once', 'always'];
        return often.map((times) => [step, fault, times] as const);
      }),
    );
    it.each(cases)('where %s %s, %s', async (step, fault, often) => {
      const host = `host-${randomUUID().slice(0, 8)}`;
      const isStep = STEPS.get(step);
      const befalls = FAULTS.get(fault);
      let met = 0;
      const content = randomBytes(6 * MiB);
      const outcome = await publish(host, content, (request) => {
        const instead = stoodIn(request);
        if (instead !== undefined) return instead;
        if (isStep?.(request) !== true) return undefined;
        met += 1;
        return often === 'always' || met === 1 ? befalls : undefined;
      });
      expect(met).toBeGreaterThan(0);

      const snapshots = new SnapshotRepository(near);
      const [listed, ...more] = await snapshots.listDescribed(host);
      expect(more).toEqual([]);
      if (listed !== undefined) {
        expect(listed.problem).toBeUndefined();
        if (listed.sidecar === undefined) return;
        await snapshots.verify({ ...listed, sidecar: listed.sidecar });
        expect(listed.size).toBe(content.length);
      }
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(StateError);
        expect(outcome).toMatchObject({ code: expect.stringMatching(/^repository\.(?!failed$)/) });
      } else {
        expect(listed).toBeDefined();
      }
      // What passes by itself is no reason to give up.
      const passes = !fault.startsWith('arrives');
      if (often === 'once' && passes) expect(outcome).not.toBeInstanceOf(Error);
    });
  });
}
