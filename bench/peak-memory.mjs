// Preloaded into a measured process: when it ends, the kernel's own high-water mark of its resident memory goes into
// the file that COOLIFY_STATE_BENCH_PEAK names, in KiB. Polling from outside would miss the peak.
import { readFileSync, writeFileSync } from 'node:fs';

process.once('exit', () => {
  const file = process.env['COOLIFY_STATE_BENCH_PEAK'];
  if (file === undefined) return;
  writeFileSync(file, String(highWaterMark()));
});

function highWaterMark() {
  try {
    const mark = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (mark !== undefined) return Number(mark);
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS;
}
