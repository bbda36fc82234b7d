import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** The newest Node with which this was measured; one that does not know a flag would complain on standard error. */
const NEWEST_KNOWN = 24;
/** What may come to be in use, objects and buffers, before V8 looks through the whole heap again. MiB. */
const SLACK_MIB = 30;
const LEAST_PERCENT = 50;
const MOST_PERCENT = 400;

/**
 * Fits V8's heap to a program that streams much data past few objects of its own. To be called before anything is loaded.
 *
 * The part for young objects stays as small as it is in the beginning: V8 lets it grow to 32 MiB (64 with Node 24) while data
 * streams past, and what lies in it keeps buffers from being freed, which are most of what a backup has in memory.
 *
 * The whole heap is looked through when a fifth more is in use than after the last time, and buffers count: every few MiB of a
 * backup, which was a fifth of its processor time. Here it is some MiB that may come to be in use, the same for a small
 * heap and for a large one.
 */
export function fitHeapToStreams(): void {
  const [major = ''] = process.versions.node.split('.');
  if (Number(major) > NEWEST_KNOWN) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  letGrow(MOST_PERCENT);
  new PerformanceObserver((seen) => {
    if (seen.getEntries().some(isMajor)) letGrow(percentFor(heapMebibytes()));
  }).observe({ entryTypes: ['gc'] });
}

/** By how much a heap of that size may grow for the slack, in per cent. */
export function percentFor(heapMiB: number): number {
  return Math.round(Math.min(MOST_PERCENT, Math.max(LEAST_PERCENT, (100 * SLACK_MIB) / heapMiB)));
}

function letGrow(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}

/** Whether an entry is of a look through the whole heap. */
function isMajor(entry: object): boolean {
  const detail: unknown = Reflect.get(entry, 'detail');
  if (typeof detail !== 'object' || detail === null) return false;
  return Reflect.get(detail, 'kind') === constants.NODE_PERFORMANCE_GC_MAJOR;
}

function heapMebibytes(): number {
  return getHeapStatistics().used_heap_size / 1024 / 1024;
}
