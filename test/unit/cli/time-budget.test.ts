import { describe, expect, it } from 'vitest';
import { costLine, timeBudget } from '../../../src/cli/time-budget.js';
import type { UploadedSnapshot } from '../../../src/operations/backup/upload.js';

const MIB = 1024 * 1024;
const snapshot: UploadedSnapshot = {
  id: '0af4f17d',
  location: 's3://bucket/state',
  key: 'h/a.tar.gz.age',
  size: 10 * MIB,
  sha256: '',
  storeMilliseconds: 2000,
  readBackMilliseconds: 500,
  requests: 14,
};

describe('the time budget', () => {
  const tasks = [
    { task: 'connect', status: 'ok', milliseconds: 3 },
    { task: 'pull dump', status: 'ok', milliseconds: 1000, bytes: 50 * MIB },
    { task: 'upload to s3://bucket/state', status: 'changed', milliseconds: 2600 },
    { task: 'upload to file:/mnt', status: 'failed', milliseconds: 400 },
  ] as const;
  const rows = timeBudget({ tasks, snapshots: [snapshot], milliseconds: 4003 })
    .split('\n')
    .map((row) => row.replace(/ {2,}/g, ' '));

  it('shows the longest first, an upload in its halves, and what took next to nothing as one', () => {
    expect(rows.map((row) => row.replace(/^.*(%|MB\/s) /, ''))).toEqual([
      'archive, encrypt and upload to s3://bucket/state',
      'pull dump',
      'read back (upload to s3://bucket/state)',
      'upload to file:/mnt',
      'lease and sidecar (upload to s3://bucket/state)',
      'everything else',
    ]);
  });

  it('tells time, share, bytes and speed of each', () => {
    expect(rows[1]).toBe('time 1.00 s 25% 50.0 MiB 52.4 MB/s pull dump');
  });
});

describe('what a backup cost', () => {
  it('is told in one line: the wire, what is stored, the requests', () => {
    expect(costLine({ traffic: { received: 2 * MIB, sent: 512 }, snapshots: [snapshot, snapshot] })).toBe(
      'cost        2.00 MiB from the host, 512 B to it; 20.0 MiB stored; 28 requests to S3',
    );
  });

  it('leaves out what cannot be told, and is nothing when nothing can', () => {
    const { requests: _, ...inFolder } = snapshot;
    expect(costLine({ snapshots: [inFolder] })).toBe('cost        10.0 MiB stored');
    expect(costLine({ snapshots: [] })).toBeUndefined();
  });
});
