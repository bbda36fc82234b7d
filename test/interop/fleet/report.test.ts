import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { command } from '../archive/programs.js';
import { HOST, type Place } from '../operations/place.js';
import { runProgram } from '../operations/program.js';
import { EMPTY_HOST, openPast } from '../report/past.js';

let place: Place;
beforeAll(async () => {
  place = await openPast();
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', place.at('signer'));
  const inventory = z
    .object({ controller: z.looseObject({}) })
    .parse(JSON.parse(await readFile(place.at('inventory.yml'), 'utf8')));
  const vars = {
    coolify_evidence_key_path: place.at('signer'),
    coolify_fleet_group: 'frankfurt',
    coolify_fleet_backup_every: '1d',
    coolify_fleet_drill_every: '30d',
  };
  await writeFile(place.at('inventory.yml'), JSON.stringify({ ...inventory, all: { vars } }));
});
afterAll(() => place.remove());

const report = (...args: readonly string[]) => runProgram(['fleet', 'report', ...place.options, ...args]);

describe('fleet report', () => {
  it('tells of every host when it was last good and last proven, and what is overdue', async () => {
    const { stdout, status } = await report('--json');
    expect(status).toBe(0);
    const { scorecard } = z
      .object({ scorecard: z.object({ totals: z.unknown(), hosts: z.array(z.looseObject({})) }) })
      .parse(JSON.parse(stdout));
    expect(scorecard.totals).toEqual({ hosts: 2, good: 1, proven: 1, overdue: 1, unreadable: 0 });
    expect(scorecard.hosts.find(({ host }) => host === HOST)).toMatchObject({
      group: 'frankfurt',
      lastGood: { where: expect.stringMatching(/^file:/) },
      lastProven: { at: expect.any(String) },
      recovery: { seconds: 96, limitSeconds: 900 },
      overdue: [],
    });
    expect(scorecard.hosts.find(({ host }) => host === EMPTY_HOST)).toMatchObject({
      overdue: ['backup', 'drill'],
      drift: [],
    });
  });

  it('signs the scorecard as ssh-keygen -Y verify checks it, and a changed one is refused', async () => {
    const file = place.at('scorecard.json');
    await report('--scorecard', file);
    const publicKey = (await readFile(`${place.at('signer')}.pub`, 'utf8')).trim();
    await writeFile(place.at('signers'), `backup@example.org ${publicKey}\n`);
    const check = (content: Buffer) =>
      command(
        'sh',
        '-c',
        'printf %s "$1" | base64 -d | ssh-keygen -Y verify -f "$2" -I backup@example.org -n scorecard@coolify-state -s "$3"',
        'sh',
        content.toString('base64'),
        place.at('signers'),
        `${file}.sig`,
      );
    const content = await readFile(file);
    expect(String(await check(content).then(() => 'good'))).toBe('good');
    const changed = Buffer.from(content.toString().replace('"overdue": 1', '"overdue": 0'));
    expect(changed.equals(content)).toBe(false);
    await expect(check(changed)).rejects.toThrow();
  });

  it('writes the page with a table of all hosts, and the metrics', async () => {
    await report('-o', place.at('fleet.html'), '--metrics', place.at('metrics'));
    const page = await readFile(place.at('fleet.html'), 'utf8');
    expect(page).toContain(`<tr data-host="${EMPTY_HOST}">`);
    expect(page).toContain('1 of 2 have a good snapshot, 1 were proven by a drill, 1 are overdue.');
    const metrics = await readFile(`${place.at('metrics')}/coolify_state_fleet.prom`, 'utf8');
    expect(metrics).toContain(`coolify_state_fleet_backup_overdue{host="${EMPTY_HOST}",group="frankfurt"} 1`);
    expect(metrics).toMatch(
      new RegExp(
        `^coolify_state_fleet_last_good_timestamp_seconds\\{host="${HOST}",group="frankfurt"\\} \\d+$`,
        'm',
      ),
    );
    for (const line of metrics.trim().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|\S+?(\{.*\})? [0-9.]+)$/);
  });
});
