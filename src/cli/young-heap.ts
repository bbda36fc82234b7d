import { setFlagsFromString } from 'node:v8';

/** The newest Node with which this was measured; one that does not know the flag would complain on standard error. */
const NEWEST_KNOWN = 24;

/**
 * Keeps the part of the heap for young objects as small as it is in the beginning. V8 lets it grow to 32 MiB (64 with Node 24)
 * while data streams past, and what lies in it keeps buffers from being freed: they are most of what a backup has in memory.
 */
export function keepYoungHeapSmall(): void {
  const [major = ''] = process.versions.node.split('.');
  if (Number(major) <= NEWEST_KNOWN) setFlagsFromString('--semi-space-growth-factor=1');
}
