import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { pgDump } from '../../../src/coolify/database/commands.js';

const access = { container: 'coolify-db', user: 'coolify', database: 'coolify' };
const dump = pgDump(access, { compression: 0, snapshot: '00000003-1' });

/** What runs in the container, with another program in the place of pg_dump. */
function inItsPlace(...program: string[]) {
  const from = dump.argv.indexOf('sh');
  const [shell = '', ...args] = dump.argv.slice(from, dump.argv.indexOf('pg_dump'));
  return spawn(shell, [...args, ...program], { stdio: ['pipe', 'pipe', 'ignore'] });
}

it('a dump is asked of the container, in the snapshot of the counts', () => {
  expect(dump.argv.slice(0, 5)).toEqual(['docker', 'exec', '-i', 'coolify-db', 'sh']);
  expect(dump.argv).toContain('--snapshot=00000003-1');
  expect(dump.summary).toMatch(/^docker exec coolify-db pg_dump --format=custom /);
});

it('it ends as pg_dump ends, with its status, while the input is still open', async () => {
  const running = inItsPlace('sh', '-c', 'printf dump; exit 7');
  const output: Buffer[] = [];
  running.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  expect(await once(running, 'close')).toEqual([7, null]);
  expect(Buffer.concat(output).toString()).toBe('dump');
  running.stdin.destroy();
});

it('it ends with its input, although pg_dump waits for something', async () => {
  const running = inItsPlace('sleep', '600');
  running.stdout.resume();
  running.stdin.end();
  expect(await once(running, 'close')).toEqual([143, null]);
});

it('the program does not get the input', async () => {
  const running = inItsPlace('cat');
  running.stdout.resume();
  expect(await once(running, 'close')).toEqual([0, null]);
  running.stdin.destroy();
});
