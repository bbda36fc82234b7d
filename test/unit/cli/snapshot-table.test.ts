import { describe, expect, it } from 'vitest';
import { fittingTable } from '../../../src/cli/fitting-table.js';
import { snapshotTable } from '../../../src/cli/snapshot-table.js';
import type { SnapshotLine } from '../../../src/operations/snapshots/list-snapshots.js';

const now = Date.parse('2026-11-24T12:00:00Z');

function line(more: Partial<SnapshotLine>): SnapshotLine {
  return {
    host: 'web1',
    where: 's3://bucket/state',
    kind: 'snapshot',
    id: '3fa90c1b',
    createdAt: '2026-11-23T12:00:00.000Z',
    size: 2048,
    coolify: '4.3.11',
    postgres: '15.13',
    recipients: ['SHA256:abcdefghijklmnopqrstuvwxyz', 'age1other'],
    standing: 'good',
    proven: true,
    ...more,
  };
}

const shown = (lines: readonly SnapshotLine[], width?: number) => snapshotTable(lines, now, width);
const cells = (text: string): string[][] => text.split('\n').map((row) => row.split(/ {2,}/));

describe('the table of snapshots', () => {
  it('tells what there is, by whom it is opened, and what prune would do with it', () => {
    const { text } = shown([
      line({ retention: { keep: true, reasons: ['daily snapshot'], until: '2026-12-01T00:00:00.000Z' } }),
      line({ id: '11111111', retention: { keep: true, reasons: ['last snapshot'] } }),
      line({ id: '22222222', retention: { keep: false, reasons: ['no rule keeps it'] } }),
      line({ id: '33333333', retention: { keep: true, reasons: ['daily snapshot'], until: 'always' } }),
    ]);
    const [head, first, ...others] = cells(text);
    expect(head).toEqual('HOST,ID,TAKEN,AGE,SIZE,COOLIFY,PROOFS,OPENED BY,KEPT,DRILLED,WHERE'.split(','));
    expect(first).toEqual([
      'web1',
      '3fa90c1b',
      '2026-11-23T12:00:00Z',
      '24 h',
      '2.00 KiB',
      '4.3.11',
      'proven',
      'SHA256:abcdefgh… +1',
      'until 2026-12-01',
      '-',
      's3://bucket/state',
    ]);
    expect(others.map((row) => row[8])).toEqual(['last snapshot', 'no', 'always']);
  });

  it('shows the same snapshot of two repositories once, with both places', () => {
    const { text } = shown([line({}), line({ where: 'file:/mnt/backups' })]);
    expect(cells(text)).toHaveLength(2);
    expect(text).toContain('s3://bucket/state, file:/mnt/backups');
  });

  it('shows it twice where the two differ, and generations always by themselves', () => {
    const broken = line({ where: 'file:/mnt/backups', standing: 'missing', problem: 'The snapshot is gone' });
    expect(cells(shown([line({}), broken]).text)).toHaveLength(3);
    const kept = [line({ kind: 'generation', where: '/a' }), line({ kind: 'generation', where: '/b' })];
    expect(cells(shown(kept).text)).toHaveLength(3);
  });

  it('lets no text from a store write to the terminal', () => {
    const { text } = shown([line({ host: 'web\u001b[2J', standing: 'unreadable', problem: 'bad\u0007' })]);
    for (const control of ['\u0007', '\u001b']) expect(text).not.toContain(control);
  });

  it('leaves out what matters least on a narrow terminal, and says what', () => {
    const lines = [line({ retention: { keep: true, reasons: ['daily snapshot'] } })];
    const { text, leftOut } = shown(lines, 80);
    expect(leftOut).toEqual(['DRILLED', 'OPENED BY', 'COOLIFY', 'TAKEN']);
    for (const row of text.split('\n')) expect(row.length).toBeLessThanOrEqual(80);
    expect(shown(lines, 500).leftOut).toEqual([]);
    expect(shown(lines, 20).text).toContain('3fa90c1b');
  });
});

describe('a table that fits', () => {
  it('leaves out columns without anything in them, if they may be', () => {
    const columns = [{ title: 'A' }, { title: 'B', dispensable: 1 }, { title: 'C' }];
    expect(fittingTable(columns, [['1', '', '']], undefined)).toEqual({ text: 'A  C\n1', leftOut: [] });
  });
});
