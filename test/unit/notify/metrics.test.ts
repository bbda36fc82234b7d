import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { metricsText, type RunFigures, writeMetrics } from '../../../src/notify/metrics.js';

const rulesSchema = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const FIGURES: RunFigures = {
  host: 'web1',
  operation: 'run',
  succeeded: true,
  finishedAt: new Date('2026-01-02T03:04:05Z'),
  durationSeconds: 12.5,
  snapshotBytes: 1234,
  proofs: 4,
  failedProofs: 0,
};

describe('the figures of a run', () => {
  it('have a type, a help text and one value each; what is not known is left out', () => {
    const text = metricsText(FIGURES, undefined);
    expect(text).toContain(
      '# TYPE coolify_state_last_run_success gauge\ncoolify_state_last_run_success{host="web1",operation="run"} 1\n',
    );
    expect(text).toContain(
      'coolify_state_last_success_timestamp_seconds{host="web1",operation="run"} 1767323045\n',
    );
    expect(text).not.toContain('generation_size_bytes');
    expect(text.match(/^# HELP /gm)?.length).toBe(text.match(/^coolify_state_/gm)?.length);
  });

  it('keep the time of the last success through failures, in one file that is replaced', async () => {
    await writeMetrics(folder, FIGURES);
    const later = { ...FIGURES, succeeded: false, finishedAt: new Date('2026-01-03T00:00:00Z') };
    await writeMetrics(folder, later);
    await writeMetrics(folder, later);
    expect(await readdir(folder)).toEqual(['coolify_state_run_web1.prom']);
    const text = await readFile(join(folder, 'coolify_state_run_web1.prom'), 'utf8');
    expect(text).toContain('last_run_success{host="web1",operation="run"} 0\n');
    expect(text).toContain('last_success_timestamp_seconds{host="web1",operation="run"} 1767323045\n');
  });

  it('know of no success where there was none', async () => {
    await writeMetrics(folder, { ...FIGURES, succeeded: false });
    expect(await readFile(join(folder, 'coolify_state_run_web1.prom'), 'utf8')).not.toContain('last_success');
  });

  it('are all in the documentation, whose alert rules ask for nothing else', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8');
    const all = { ...FIGURES, generationBytes: 1, recoverySeconds: 1, dataAgeSeconds: 1 };
    const names = [...metricsText(all, 1).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    const documented = [...page.matchAll(/^\| `(coolify_state_\w+)`/gm)].map(([, name]) => name);
    expect(documented.sort()).toEqual([...names].sort());
    const rules = rulesSchema.parse(parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ''));
    const used = rules.groups.flatMap(({ rules: list }) =>
      list.flatMap(({ expr }) => expr.match(/coolify_state_\w+/g) ?? []),
    );
    expect(used.length).toBeGreaterThan(3);
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('stay one line each, whatever the host is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (host) => {
        const lines = metricsText({ ...FIGURES, host }, 1)
          .trimEnd()
          .split('\n');
        expect(lines.filter((line) => !/^(# (HELP|TYPE) )?coolify_state_/.test(line))).toEqual([]);
      }),
    );
  });
});
