// Runs a command as a whole process, in a process group of its own, and tells what it took: the time that a user waits,
// the processor time of everything in it, and the highest resident memory of its largest process (wait4's rusage, by GNU
// time: the kernel's own high-water mark).
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A run that ended well. A run that did not throws with the last lines that it printed. */
export async function measured({ argv, env = {}, cwd }, folder) {
  const figures = join(folder, 'figures');
  const log = join(folder, 'log');
  const output = await open(log, 'w');
  let status;
  let seconds;
  try {
    const began = performance.now();
    // Into a file and not a pipe: what is left running on purpose, such as ssh's master connections, must not keep us.
    const child = spawn('time', ['-q', '-f', '%U %S %M', '-o', figures, ...argv], {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      // The distribution's programs, and not others of the same name.
      env: { ...process.env, PATH: `/usr/bin:/bin:${process.env['PATH']}`, ...env },
      cwd: cwd ?? folder,
    });
    const stop = () => process.kill(-child.pid, 'SIGTERM');
    process.once('exit', stop);
    status = await new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve));
    seconds = (performance.now() - began) / 1000;
    process.off('exit', stop);
  } finally {
    await output.close();
  }
  if (status !== 0) {
    const said = (await readFile(log, 'utf8')).trim().split('\n').slice(-20).join('\n');
    throw new Error(`status ${status} of ${argv.join(' ').slice(0, 300)}\n${said}`);
  }
  const [user, system, kibibytes] = (await readFile(figures, 'utf8')).trim().split(/\s+/).map(Number);
  return { seconds, cpuSeconds: user + system, peakMiB: kibibytes / 1024 };
}

/** A bash script that fails when any part of a pipe does; the values are its arguments. */
export function bash(text, ...args) {
  return ['bash', '-euo', 'pipefail', '-c', text, 'bash', ...args.map(String)];
}
