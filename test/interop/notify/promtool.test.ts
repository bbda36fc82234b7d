import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeMetrics } from '../../../src/notify/metrics.js';

/** What is left for Prometheus, and the alert rules of the documentation, held against Prometheus' own tool. */
let folder: string;
let rules: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promtool-'));
  rules = join(folder, 'rules.yml');
  const page = await readFile(join(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8');
  await writeFile(rules, /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function promtool(args: readonly string[], input = ''): Promise<{ status: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('promtool', [...args], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
    child.on('error', (error) =>
      reject(new Error('These tests need "promtool"; docker/programs.sh installs it', { cause: error })),
    );
    child.on('close', (status) => resolve({ status, text }));
    child.stdin.end(input);
  });
}

it('the metrics of runs and drills are read without a complaint, whatever the host is called', async () => {
  const metrics = join(folder, 'metrics');
  const figures = {
    succeeded: true,
    finishedAt: new Date('2026-02-01T03:20:00Z'),
    durationSeconds: 12.5,
    generationBytes: 9_000_000,
    snapshotBytes: 1_300_000,
    proofs: 12,
    failedProofs: 0,
  };
  await writeMetrics(metrics, { ...figures, host: 'web1', operation: 'run' });
  const odd = { ...figures, host: 'a "quoted" \\ näme\nof two lines', operation: 'drill' };
  await writeMetrics(metrics, { ...odd, recoverySeconds: 22, dataAgeSeconds: 86_400.5 });
  const files = (await readdir(metrics)).filter((name) => name.endsWith('.prom'));
  expect(files).toHaveLength(2);
  for (const name of files) {
    const text = await readFile(join(metrics, name), 'utf8');
    expect(await promtool(['check', 'metrics'], text)).toEqual({ status: 0, text: '' });
  }
  // The tool does complain about what cannot be read.
  expect((await promtool(['check', 'metrics'], 'coolify_state_x{host="web1} 1\n')).status).not.toBe(0);
});

it('the alert rules of the documentation are rules', async () => {
  const { status, text } = await promtool(['check', 'rules', rules]);
  expect(status, text).toBe(0);
  expect(text).toMatch(/SUCCESS: \d+ rules found/);
});

it('they fire when a backup fails, when none was good for two days, and when a drill has failed', async () => {
  const run = '{host="web1", operation="run"}';
  const drill = '{host="web1", operation="drill"}';
  const alert = (severity: string, operation: string, summary: string) => ({
    exp_labels: { severity, operation, host: 'web1' },
    exp_annotations: { summary },
  });
  const test = {
    rule_files: ['rules.yml'],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: [
          { series: `coolify_state_last_run_success${run}`, values: '1x1440 0x1600' },
          { series: `coolify_state_last_success_timestamp_seconds${run}`, values: '0x3100' },
          { series: `coolify_state_last_run_success${drill}`, values: '0x3100' },
        ],
        alert_rule_test: [
          { eval_time: '20h', alertname: 'CoolifyBackupFailed', exp_alerts: [] },
          {
            eval_time: '26h',
            alertname: 'CoolifyBackupFailed',
            exp_alerts: [alert('warning', 'run', 'The last backup of web1 failed')],
          },
          { eval_time: '47h', alertname: 'CoolifyBackupTooOld', exp_alerts: [] },
          {
            eval_time: '49h',
            alertname: 'CoolifyBackupTooOld',
            exp_alerts: [alert('critical', 'run', 'web1 has had no good backup for two days')],
          },
          {
            eval_time: '1h',
            alertname: 'CoolifyDrillFailed',
            exp_alerts: [
              alert('critical', 'drill', 'The last drill of web1 failed: its backup may not be restorable'),
            ],
          },
        ],
      },
    ],
  };
  // JSON is YAML.
  await writeFile(join(folder, 'test.yml'), JSON.stringify(test));
  const { status, text } = await promtool(['test', 'rules', 'test.yml']);
  expect(status, text).toBe(0);
});
