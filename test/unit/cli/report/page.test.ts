import { describe, expect, it } from 'vitest';
import { reportPage } from '../../../../src/cli/report/page.js';
import type { HostHistory } from '../../../../src/operations/report/data.js';
import type { SnapshotLine } from '../../../../src/operations/snapshots/list-snapshots.js';

const NOW = new Date('2026-02-01T00:00:00Z');

const line = (changes: Partial<SnapshotLine> = {}): SnapshotLine => ({
  host: 'web1',
  where: 'file:/repository',
  kind: 'snapshot',
  id: '3fa90c1b',
  createdAt: '2026-01-31T12:00:00.500Z',
  size: 1_305_442,
  coolify: '4.3.11',
  postgres: '15.4',
  recipients: [],
  standing: 'good',
  proven: true,
  retention: { keep: true, reasons: ['daily snapshot'], until: '2026-02-07T00:00:00.000Z' },
  ...changes,
});

const history = (lines: readonly SnapshotLine[], changes: Partial<HostHistory> = {}): HostHistory => ({
  host: 'web1',
  lines,
  drills: [],
  backupSeconds: new Map(),
  limits: { recovery: undefined, dataAge: undefined },
  attention: [],
  ...changes,
});

const page = (...hosts: readonly HostHistory[]): string => reportPage({ writtenAt: NOW, hosts, errors: [] });

describe('the page of a report', () => {
  it('has a row for each line of "snapshots", with the same id, place, time and size', () => {
    const lines = [
      line(),
      line({ id: '77d0a2e4', createdAt: '2026-01-30T12:00:00.000Z', size: undefined, standing: 'missing' }),
      line({ id: 'local', kind: 'generation', where: '/state/web1', size: 9_000_000 }),
    ];
    const rows = [
      ...page(history(lines)).matchAll(
        /data-id="([^"]*)" data-where="([^"]*)" data-created="([^"]*)" data-size="([^"]*)"/g,
      ),
    ].map(([, id, where, createdAt, size]) => ({
      id,
      where,
      createdAt,
      size: size === '' ? undefined : Number(size),
    }));
    expect(rows).toEqual(lines.map(({ id, where, createdAt, size }) => ({ id, where, createdAt, size })));
  });

  it('counts and adds up the snapshots, not the generations of this machine', () => {
    const text = page(
      history([
        line({ size: 1024 }),
        line({ id: '77d0a2e4', size: 1024, standing: 'unproven', problem: 'not proven: dump' }),
        line({ id: 'local', kind: 'generation', where: '/state/web1', size: 9_000_000 }),
      ]),
    );
    expect(text).toContain('<dt>Snapshots</dt><dd>2</dd>');
    expect(text).toContain('<dt>of which good</dt><dd>1</dd>');
    expect(text).toContain('<dt>Stored</dt><dd>2.00 KiB</dd>');
    expect(text).toContain('<dt>Newest good</dt><dd>12h old</dd>');
    expect(text).toContain('not proven: dump');
    expect(text).toContain('until 2026-02-07');
  });

  it('fetches nothing, runs nothing, and says so to the browser', () => {
    const text = page(history([line()]));
    expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(text).not.toMatch(/<script|<link|<img|@import|url\(|\ssrc=|\shref=/);
  });

  it('lets no text from elsewhere become markup', () => {
    const bad = `<script>alert("1")</script>`;
    const text = page(
      history([line({ id: bad, where: bad, problem: bad, standing: 'unproven' })], {
        host: bad,
        attention: [{ grave: true, what: bad, next: bad }],
      }),
    );
    expect(text).not.toContain('<script');
    expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
  });

  it('is whole for a host of which nothing is known', () => {
    const text = page(history([]));
    expect(text).toContain('<dt>Newest good</dt><dd>none</dd>');
    expect(text).not.toContain('NaN');
    expect(text).not.toContain('Infinity');
    expect(text).not.toContain('undefined');
  });

  it('draws single points and many of one moment without losing any', () => {
    const same = Array.from({ length: 3 }, (_, index) => line({ id: `0000000${index}` }));
    const text = page(history(same));
    expect(text.match(/<circle class="mark"/g)).toHaveLength(3);
    expect(text).not.toContain('NaN');
  });
});
