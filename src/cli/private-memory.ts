import { writeFileSync } from 'node:fs';

/**
 * Keeps what this process has in its memory, secrets among it, from being written or shown to others by what Node and the
 * system do for those who look for faults. Root, and whoever may trace the process, can read it all the same.
 */
export function keepMemoryPrivate(): void {
  writeNoReports();
  dumpNothing();
  openNoInspector();
}

/**
 * Whoever has switched on diagnostic reports has done so for other programs: a report holds the environment, and so the
 * credentials of S3 and passwords of vaults, in a file that others may read.
 */
function writeNoReports(): void {
  const { report } = process;
  if (report === undefined) return;
  report.reportOnFatalError = false;
  report.reportOnSignal = false;
  report.reportOnUncaughtException = false;
}

/**
 * A core dump that is written all the same holds no memory (core(5), "Controlling which mappings are written"). Node cannot set
 * the limit of a process; the unit that `schedule` writes has `LimitCORE=0` besides.
 */
function dumpNothing(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // A system without it, or one that does not let it be written.
  }
}

/** SIGUSR1 would open Node's inspector on 127.0.0.1, where every user of the machine could reach it. */
function openNoInspector(): void {
  if (process.platform !== 'win32') process.on('SIGUSR1', () => undefined);
}
