import { createHash } from 'node:crypto';
import { StateError } from '../../core/errors.js';

/** How many of some snapshots: a share of them, or a number. */
export type SampleSize =
  | { readonly kind: 'share'; readonly percent: number }
  | { readonly kind: 'count'; readonly count: number };

/** Reads `10%`, `2.5%` or `3`. `@throws StateError` `verify.sample` (kind `usage`) */
export function parseSampleSize(text: string): SampleSize {
  const share = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text.trim());
  const percent = Number(share?.[1]);
  if (share !== null && percent > 0 && percent <= 100) return { kind: 'share', percent };
  const count = /^[1-9]\d{0,5}$/.test(text.trim()) ? Number(text) : undefined;
  if (count !== undefined) return { kind: 'count', count };
  throw new StateError({
    kind: 'usage',
    code: 'verify.sample',
    what: `"${text}" is no size of a sample`,
    why: 'it is a share such as 10%, above 0 and up to 100, or a number of snapshots from 1',
    next: 'for example --sample 10%',
  });
}

/**
 * Picks some ids (newest first), always with the newest, and gives them in their order. The same seed picks the same of
 * the same ids; whether an id is among them changes little when others come and go, because each draws its own lot.
 */
export function sampleOf(ids: readonly string[], size: SampleSize, seed: string): string[] {
  const [newest, ...others] = ids;
  if (newest === undefined) return [];
  const wanted = size.kind === 'count' ? size.count : Math.ceil((ids.length * size.percent) / 100);
  const lots = others
    .map((id) => ({ id, lot: createHash('sha256').update(`${seed}\0${id}`).digest('hex') }))
    .sort((a, b) => (a.lot < b.lot ? -1 : 1));
  const chosen = new Set([newest, ...lots.slice(0, Math.max(0, wanted - 1)).map(({ id }) => id)]);
  return ids.filter((id) => chosen.has(id));
}
