// Preloaded into a measured process: when it ends, its processor time and the kernel's high-water mark of its memory go into a
// file of its own in the folder that COOLIFY_STATE_BENCH_COSTS names.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

process.once('exit', () => {
  const folder = process.env['COOLIFY_STATE_BENCH_COSTS'];
  if (folder === undefined) return;
  const { user, system } = process.cpuUsage();
  const mark = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const costs = { cpuSeconds: (user + system) / 1e6, peakMiB: Number(mark) / 1024 };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(costs));
});
