import { onHost } from './lab.js';

/**
 * Stands in for pg_dump in the database's container of a lab host. PostgreSQL is process 1 there and takes an
 * orphan that ends badly for a crash of its own, so each of these waits for the real one.
 */
export const PG_DUMP = {
  /** Half of the dump, and no word about it. */
  cutOff: `"$0.real" "$@" | head -c 3000000`,
  /** As over a slow line: the whole dump, in pieces. */
  slow: `
"$0.real" "$@" | {
  piece=/tmp/dump-piece.$$
  while head -c 131072 >"$piece"; [ -s "$piece" ]; do cat "$piece"; sleep 0.2; done
  rm -f "$piece"
}
exit "\${PIPESTATUS[0]}"`,
  failing: `echo "pg_dump: error: could not open relation mapping file" >&2; exit 1`,
  /** Half of the dump, and the rest when told to. */
  waiting: `
exec 3< <(exec "$0.real" "$@")
real=$!
trap 'kill "$real"; wait "$real"; exit 143' TERM
head -c 3000000 <&3
touch /tmp/dump-waits
until [ -e /tmp/dump-goes-on ]; do sleep 0.1; done
cat <&3
wait "$real"`,
} as const;

/** Puts a bash script in the place of pg_dump; the real one stands beside it as `pg_dump.real`. */
export async function replacePgDump(host: string, body: string): Promise<void> {
  await inDatabase(
    host,
    `p=$(command -v pg_dump); [ -e "$p.real" ] || mv "$p" "$p.real"; rm -f /tmp/dump-*
     printf '#!/bin/bash\\ntouch /tmp/dump-called\\n%s\\n' "$1" >"$p"; chmod 0755 "$p"`,
    body,
  );
}

export async function realPgDump(host: string): Promise<void> {
  await inDatabase(
    host,
    `p=$(command -v pg_dump); if [ -e "$p.real" ]; then mv "$p.real" "$p"; fi; rm -f /tmp/dump-*`,
  );
}

/** Whether the stand-in was run since it was put there. */
export function pgDumpWasReplaced(host: string): Promise<boolean> {
  return existsInDatabase(host, '/tmp/dump-called');
}

/** Whether half of the dump is out, and the rest held back. */
export function dumpWaits(host: string): Promise<boolean> {
  return existsInDatabase(host, '/tmp/dump-waits');
}

export async function letDumpGoOn(host: string): Promise<void> {
  await inDatabase(host, 'touch /tmp/dump-goes-on');
}

/** How often PostgreSQL has taken something for a crash and restarted. */
export async function databaseCrashes(host: string): Promise<number> {
  const log = await onHost(host, 'docker logs coolify-db 2>&1');
  return log.split('terminating any other active server processes').length - 1;
}

async function existsInDatabase(host: string, path: string): Promise<boolean> {
  return (await inDatabase(host, 'if [ -e "$1" ]; then echo yes; fi', path)).trim() === 'yes';
}

function inDatabase(host: string, script: string, ...args: readonly string[]): Promise<string> {
  return onHost(host, 'exec docker exec coolify-db sh -c "$@"', script, 'sh', ...args);
}
