import { DumpReader, type DumpSummary, type DumpTable } from '../../postgres/dump-reader.js';
import { type KeyRing, PAYLOAD_PREFIX } from '../app-key.js';
import type { KeyRow } from '../managed-keys.js';

/** How the encrypted values of one column fared. */
export interface PayloadTally {
  readonly table: string;
  readonly column: string;
  readonly opened: number;
  /** Opened by a key of APP_PREVIOUS_KEYS only. */
  readonly byPreviousKey: number;
  readonly failed: number;
}

/** What a dump says of an instance, gathered while its bytes stream past. */
export interface DumpEvidence {
  readonly summary: DumpSummary;
  readonly payloads: readonly PayloadTally[];
  readonly keyRows: readonly KeyRow[];
  /** `private_keys.id` of the keys with which Coolify reaches its own host. */
  readonly localKeyIds: readonly string[];
  /** SHA-256 (hex) of the API tokens that the instance knows: what it keeps of them. */
  readonly tokenHashes: ReadonlySet<string>;
}

/** Tables whose rows are read one by one. */
const LOOKED_AT = new Set(['private_keys', 'servers', 'personal_access_tokens']);

const LOCAL_ADDRESSES = new Set(['host.docker.internal', '127.0.0.1', 'localhost']);

/** A reader to feed with the dump, and what it found once it has finished. */
export function inspectDump(
  ring: KeyRing,
  signal: AbortSignal,
): { reader: DumpReader; evidence: () => DumpEvidence } {
  const tallies = new Map<string, { opened: number; byPreviousKey: number; failed: number }>();
  const keyRows: KeyRow[] = [];
  const localKeyIds: string[] = [];
  const tokenHashes = new Set<string>();
  const reader = new DumpReader({
    signal,
    payloadPrefix: Buffer.from(PAYLOAD_PREFIX),
    onMatch: (table, column, value) => {
      const name = `${table.name}\t${column}`;
      const tally = tallies.get(name) ?? { opened: 0, byPreviousKey: 0, failed: 0 };
      tallies.set(name, tally);
      const opened = ring.open(value);
      if (!opened.ok) tally.failed++;
      else tally.opened++;
      if (opened.ok && opened.key !== 0) tally.byPreviousKey++;
    },
    wantsRows: ({ name }) => LOOKED_AT.has(name),
    onRow: (table, row) => {
      const field = (name: string): string => row.field(table.columns.indexOf(name)) ?? '';
      if (table.name === 'private_keys') {
        keyRows.push({
          id: field('id'),
          uuid: field('uuid'),
          name: field('name'),
          team: field('team_id'),
          privateKey: field('private_key'),
        });
      } else if (table.name === 'personal_access_tokens') {
        tokenHashes.add(field('token'));
      } else if (LOCAL_ADDRESSES.has(field('ip'))) {
        localKeyIds.push(field('private_key_id'));
      }
    },
  });
  return {
    reader,
    evidence: () => ({
      summary: reader.summary(),
      keyRows,
      localKeyIds,
      tokenHashes,
      payloads: [...tallies].map(([name, tally]) => {
        const [table = '', column = ''] = name.split('\t');
        return { table, column, ...tally };
      }),
    }),
  };
}

export function tableTitle(table: Pick<DumpTable, 'schema' | 'name'>): string {
  return table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
}
