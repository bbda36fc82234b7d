import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Spoiling, spoil } from '../../spoiled-generation.js';
import { openPlace, type Place } from './place.js';
import { runProgram } from './program.js';

/** Snapshots that were spoiled before they were sealed, so that every checksum fits: only what is inside tells. */
let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place.remove());

const lastLine = z.object({
  hosts: z.array(
    z.object({
      error: z.object({ code: z.string() }),
      proofs: z.array(z.object({ name: z.string(), ok: z.boolean() })),
    }),
  ),
});

describe('a snapshot whose checksums fit', () => {
  it.each<[Spoiling, string]>([
    ['dump', 'dump.truncated'],
    ['key archive', 'archive.truncated'],
    ['APP_KEY', 'app-key'],
  ])('and whose %s is spoiled is refused with the proof %s', async (spoiling, named) => {
    const generation = await place.generation(new Date(Date.UTC(2026, 0, 1)));
    const id = await place.publish(await spoil(generation, spoiling), {
      kind: 'directory',
      path: place.at(spoiling),
    });
    await place.inventory({ coolify_repository: `file:${place.at(spoiling)}` });
    const { status, stdout } = await runProgram([
      ...['verify', '--from', id, '--read-data', '--json', ...place.options],
    ]);
    expect(status).toBe(4);
    const [host] = lastLine.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).hosts;
    const failed = host?.proofs.filter(({ ok }) => !ok).map(({ name }) => name);
    expect([...(failed ?? []), host?.error.code]).toContain(named);
  });
});
