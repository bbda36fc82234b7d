// The programs we are held against: Debian's packages.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// As the measured processes: the distribution's programs, and not others of the same name.
const env = { ...process.env, PATH: `/usr/bin:/bin:${process.env['PATH']}` };
const exec = (program, args) => promisify(execFile)(program, args, { env });

const PROGRAMS = [
  ['time', 'time', []],
  ['ssh', 'openssh-client', ['-V']],
  ['age', 'age', ['--version']],
  ['gzip', 'gzip', ['--version']],
  ['zstd', 'zstd', ['--version']],
  ['openssl', 'openssl', ['version']],
  ['aws', 'awscli', ['--version']],
  ['restic', 'restic', ['version']],
  ['ansible-playbook', 'ansible-core', ['--version']],
  ['pg_restore', 'postgresql-client', ['--version']],
];

/** The version of each, by package. Throws one sentence that names all that are missing. */
export async function requirePrograms() {
  const versions = {};
  const missing = [];
  for (const [program, name, args] of PROGRAMS) {
    try {
      await exec('sh', ['-c', 'command -v "$1"', 'sh', program]);
      if (args.length === 0) continue;
      const { stdout, stderr } = await exec(program, args);
      versions[name] = (stdout || stderr).split('\n')[0].trim();
    } catch {
      missing.push(name);
    }
  }
  if (missing.length > 0)
    throw new Error(
      `these packages are missing, which the benchmarks need: apt-get install ${missing.join(' ')}`,
    );
  return versions;
}
