import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLocally } from '../../../src/operations/hosts/local-program.js';
import { crontabLine, lineOf, withLine, withoutLine } from '../../../src/operations/schedule/crontab.js';
import { type Schedule, serviceUnit, timerUnit } from '../../../src/operations/schedule/units.js';

/** The units are held against systemd itself, which does not have to run for that. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schedule-'));
  // Where a user's manager keeps its own; without it systemd-analyze says nothing about user units.
  process.env['XDG_RUNTIME_DIR'] ??= folder;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function schedule(more: Partial<Schedule> = {}): Schedule {
  return {
    name: 'coolify-state',
    command: [process.execPath, join(folder, 'main.js'), 'run', '--state-dir', join(folder, 'state')],
    workingDirectory: folder,
    writable: [join(folder, 'state')],
    shared: ['/srv/a repository', '/var/lib/metrics'],
    user: 'root',
    calendar: '*-*-* 03:15:00',
    jitterSeconds: 900,
    credentials: [{ name: 'HETZNER_S3_SECRET_KEY', path: join(folder, 'secret') }],
    ...more,
  };
}

async function analyze(...args: readonly string[]): Promise<{ status: number | undefined; text: string }> {
  const outcome = await runLocally('systemd-analyze', args);
  if (outcome === undefined) throw new Error('These tests need "systemd-analyze" (package systemd)');
  return { status: outcome.status, text: outcome.stdout + outcome.stderr };
}

async function written(one: Schedule): Promise<{ service: string; timer: string }> {
  const service = join(folder, `${one.name}.service`);
  const timer = join(folder, `${one.name}.timer`);
  await writeFile(service, serviceUnit(one));
  await writeFile(timer, timerUnit(one));
  return { service, timer };
}

describe('the units', () => {
  it('pass systemd-analyze verify without a word', async () => {
    const { service, timer } = await written(schedule());
    expect(await analyze('verify', '--man=no', service, timer)).toEqual({ status: 0, text: '' });
    const mine = await written(schedule({ name: 'of-a-user', user: undefined }));
    expect(await analyze('verify', '--user', '--man=no', mine.service, mine.timer)).toMatchObject({
      status: 0,
    });
  });

  it('let the run write to its own folders, and to those of the inventory where they are there', () => {
    expect(serviceUnit(schedule())).toContain(
      `\nReadWritePaths=${join(folder, 'state')} "-/srv/a repository" -/var/lib/metrics\n`,
    );
  });

  it('are exposed less than 3.0 by systemd-analyze security', async () => {
    const { service } = await written(schedule());
    const { status, text } = await analyze('security', '--offline=yes', '--threshold=30', service);
    expect(status, text).toBe(0);
    expect(text).toMatch(/Overall exposure level for \S+: [0-2]\.\d/);
  });

  it.each([
    [
      'a path with spaces, quotes and a percent sign',
      `/srv/it's "50%" $HOME \\ done/main.js`,
      `"/srv/it's \\"50%%\\" $$HOME \\\\ done/main.js"`,
    ],
    ['a path in another script', '/srv/данные/main.js', '"/srv/данные/main.js"'],
  ])('keep %s as one word', async (_what, path, expected) => {
    const { service } = await written(schedule({ name: 'odd', command: [process.execPath, path] }));
    const { text } = await analyze('verify', '--man=no', service);
    expect(text).toBe('');
    expect(serviceUnit(schedule({ command: ['/bin/true', path] }))).toContain(
      `ExecStart=/bin/true ${expected}\n`,
    );
  });

  it.each(['*-*-* 03:15:00', 'Mon..Fri 02,14:00'])(
    'have a calendar event that systemd reads: %s',
    async (event) => {
      expect((await analyze('calendar', event)).status).toBe(0);
      expect(timerUnit(schedule({ calendar: event }))).toContain(`OnCalendar=${event}\n`);
    },
  );
});

describe('the line of a crontab', () => {
  const job = {
    name: 'coolify-state',
    command: ['/usr/bin/printf', '%s|', `it's`, '100%', 'a b'],
    workingDirectory: '/',
    hour: 3,
    minute: 15,
    jitterSeconds: 0,
  };

  it('runs the very words in sh, as cron would', async () => {
    const line = crontabLine(job);
    expect(line).toMatch(/^15 3 \* \* \* /);
    // cron takes what follows the five fields, turns \% into %, and gives it to sh.
    const command = line.split(' ').slice(5).join(' ').replaceAll('\\%', '%');
    expect(await sh(command)).toBe(`it's|100%|a b|`);
  });

  it('waits before it runs when there is a jitter', async () => {
    const command = crontabLine({ ...job, jitterSeconds: 1 })
      .split(' ')
      .slice(5)
      .join(' ')
      .replaceAll('\\%', '%');
    expect(command).toContain('sleep');
    expect(await sh(command)).toBe(`it's|100%|a b|`);
  });

  it('is put in, replaced and taken out without touching the others', () => {
    const others = '# mine\n0 1 * * * backup-the-cat\n';
    const once = withLine(others, 'coolify-state', crontabLine(job));
    const twice = withLine(once, 'coolify-state', crontabLine({ ...job, hour: 4 }));
    expect(lineOf(twice, 'coolify-state')).toMatch(/^15 4 /);
    expect(twice.split('\n')).toHaveLength(4);
    expect(withoutLine(twice, 'coolify-state')).toBe(others);
    expect(withLine('', 'coolify-state', 'x')).toBe('x\n');
  });

  it('refuses a folder whose name a crontab cannot hold', () => {
    expect(() => crontabLine({ ...job, workingDirectory: '/a\nb' })).toThrow(
      'A crontab cannot hold this command',
    );
  });
});

function sh(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
