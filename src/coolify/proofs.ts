import type { Proof } from '../state/manifest.js';
import type { KeyRing } from './app-key.js';
import { type DumpEvidence, tableTitle } from './database/dump-evidence.js';
import type { Instance } from './instance.js';
import { authorizedBlobs, type ManagedKey, openKeyRow } from './managed-keys.js';

/** A key file in the archive of managed keys, by what can be compared. */
export interface KeyFile {
  readonly name: string;
  /** `SHA256:...` of its public half; undefined when it is not a private key. */
  readonly fingerprint: string | undefined;
}

/** Row counts of tables, by `schema.name`, from a source other than the dump itself. */
export type RowCounts = ReadonlyMap<string, number>;

export interface EvidenceSet {
  readonly ring: KeyRing;
  readonly dump: DumpEvidence;
  /** Counted by PostgreSQL in the very snapshot of the dump, or what the manifest says of it. */
  readonly rowCounts: RowCounts;
  readonly keyFiles: readonly KeyFile[];
  readonly authorizedKeys: string | undefined;
  /** What the row counts can prove, in words, where they do not come from the database itself. */
  readonly counted?: string | undefined;
}

export interface Verdict {
  readonly proofs: readonly Proof[];
  /** What is worth knowing but does not make the data untrustworthy. */
  readonly warnings: readonly string[];
  readonly keys: readonly ManagedKey[];
}

const MAX_NAMED = 5;

/** The proofs that a backup is what it claims. The same run on a generation, on a snapshot and after a restore. */
export function judge(evidence: EvidenceSet): Verdict {
  const opened = evidence.dump.keyRows.map((row) => openKeyRow(row, evidence.ring));
  const keys = opened.flatMap((result) => ('key' in result ? [result.key] : []));
  const broken = opened.flatMap((result) => ('fault' in result ? [result] : []));
  return {
    keys,
    proofs: [
      proveDump(evidence),
      proveAppKey(evidence.dump),
      {
        name: 'key-rows',
        ok: broken.length === 0,
        detail:
          broken.length === 0
            ? `${keys.length} managed keys open and are private keys`
            : `managed keys that cannot be used: ${someOf(broken.map(({ row, fault }) => `${row.name} (${row.uuid}): ${fault}`))}`,
      },
      proveKeyFiles(keys, evidence.keyFiles),
    ],
    warnings: [...previousKeyWarnings(evidence.dump), ...localAccessWarnings(evidence, keys)],
  };
}

export function failedProofs(proofs: readonly Proof[]): Proof[] {
  return proofs.filter(({ ok }) => !ok);
}

/** The row counts a manifest records. */
export function recordedCounts(instance: Instance): RowCounts {
  return new Map(instance.database.tables.map(({ schema, name, rows }) => [`${schema}.${name}`, rows]));
}

function proveDump({ dump, rowCounts, counted = 'as counted in the database' }: EvidenceSet): Proof {
  const wrong: string[] = [];
  const inDump = new Map(dump.summary.tables.map((table) => [`${table.schema}.${table.name}`, table]));
  for (const [name, rows] of rowCounts) {
    const table = inDump.get(name);
    if (table === undefined) wrong.push(`${name} is not in the dump`);
    else if (table.rows !== rows)
      wrong.push(`${name} has ${table.rows} rows in the dump, ${rows} were counted`);
  }
  for (const table of dump.summary.tables) {
    if (!rowCounts.has(`${table.schema}.${table.name}`)) wrong.push(`${tableTitle(table)} was not counted`);
  }
  const rows = dump.summary.tables.reduce((sum, table) => sum + table.rows, 0);
  return {
    name: 'dump',
    ok: wrong.length === 0,
    detail:
      wrong.length === 0
        ? `the dump was read to its end: ${dump.summary.tables.length} tables, ${rows} rows, ${counted}`
        : someOf(wrong),
  };
}

function proveAppKey({ payloads }: DumpEvidence): Proof {
  const failed = payloads.filter((tally) => tally.failed > 0);
  const opened = payloads.reduce((sum, tally) => sum + tally.opened, 0);
  if (failed.length === 0) {
    return {
      name: 'app-key',
      ok: true,
      detail: `APP_KEY opens all ${opened} encrypted values in ${payloads.length} columns`,
    };
  }
  const columns = failed.map(
    (tally) => `${tally.table}.${tally.column} (${tally.failed} of ${tally.failed + tally.opened})`,
  );
  return {
    name: 'app-key',
    ok: false,
    detail: `APP_KEY does not open the database's encrypted values: ${someOf(columns)}`,
  };
}

function proveKeyFiles(keys: readonly ManagedKey[], files: readonly KeyFile[]): Proof {
  const wrong: string[] = [];
  const byName = new Map(files.map((file) => [file.name, file]));
  for (const { row, fingerprint } of keys) {
    const file = byName.get(`ssh_key@${row.uuid}`);
    byName.delete(`ssh_key@${row.uuid}`);
    if (file === undefined) wrong.push(`${row.name} (${row.uuid}) has no key file`);
    else if (file.fingerprint !== fingerprint)
      wrong.push(`the key file of ${row.name} (${row.uuid}) is another key`);
  }
  for (const name of byName.keys())
    if (name.startsWith('ssh_key@')) wrong.push(`${name} has no row in private_keys`);
  return {
    name: 'key-files',
    ok: wrong.length === 0,
    detail: wrong.length === 0 ? `${keys.length} key files equal their rows` : someOf(wrong),
  };
}

function previousKeyWarnings({ payloads }: DumpEvidence): string[] {
  const old = payloads.reduce((sum, tally) => sum + tally.byPreviousKey, 0);
  return old === 0
    ? []
    : [`${old} encrypted values open only with a key of APP_PREVIOUS_KEYS, which is kept in .env`];
}

function localAccessWarnings({ dump, authorizedKeys }: EvidenceSet, keys: readonly ManagedKey[]): string[] {
  if (authorizedKeys === undefined) return [];
  const blobs = authorizedBlobs(authorizedKeys);
  return keys
    .filter(
      ({ row, publicLine }) =>
        dump.localKeyIds.includes(row.id) && !blobs.has(publicLine.split(' ')[1] ?? ''),
    )
    .map(
      ({ row, fingerprint }) =>
        `Coolify's key to its own host (${row.name}, ${fingerprint}) is missing in root's authorized_keys; "localhost" cannot be reached by Coolify`,
    );
}

function someOf(items: readonly string[]): string {
  const shown = items.slice(0, MAX_NAMED).join('; ');
  return items.length > MAX_NAMED ? `${shown}; and ${items.length - MAX_NAMED} more` : shown;
}
