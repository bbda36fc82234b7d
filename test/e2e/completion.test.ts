import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, PROGRAM } from './lab.js';

/** The scripts are loaded by the shells themselves, and what these then suggest is looked at. */
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'completion-'));
  await mkdir(join(folder, 'bin'));
  const program = join(folder, 'bin/coolify-state');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  await chmod(program, 0o755);
  env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder };
  await writeFile(
    join(folder, 'inventory.yml'),
    'controller: { hosts: { web1: {}, web2: {} }, vars: { coolify_s3_enabled: false } }\nproduction: { hosts: { web2: {} } }\n',
  );
  const id = '20260101T000000Z-abcdef';
  const generation = join(folder, 'state/web1');
  await mkdir(generation, { recursive: true, mode: 0o700 });
  await chmod(join(folder, 'state'), 0o700);
  await writeFile(
    join(generation, 'manifest.json'),
    JSON.stringify({
      format: 1,
      id,
      host: 'web1',
      createdAt: '2026-01-01T00:00:00.000Z',
      tool: { name: 'coolify-state', version: '0.1.0' },
      files: [],
      proofs: [],
      instance: {},
    }),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A shell, and how it is made to tell what it would suggest for a line with the cursor at its end. */
const SHELLS: Readonly<Record<string, (line: string) => readonly string[]>> = {
  bash: (line) => [
    'bash',
    '--norc',
    '-c',
    `source <(coolify-state completion bash)
     COMP_LINE=$1; COMP_POINT=\${#COMP_LINE}
     _coolify_state
     printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    line,
  ],
  zsh: (line) => [
    'zsh',
    '-f',
    '-c',
    `zmodload zsh/zpty
     zpty shell zsh -f -i
     zpty -w shell 'autoload -Uz compinit; compinit -D; source <(coolify-state completion zsh)'
     zpty -w shell 'compadd() { [[ $1 == -- ]] && shift; print -rl -- BEGIN "\${(M)@:#$PREFIX*}" END > $OUT }; show() { print END >> $OUT; }'
     zpty -w shell 'zle -C complete-it complete-word _main_complete; bindkey "^T" complete-it'
     zpty -w -n shell "$1"$'\\x14'
     for i in {1..100}; do [[ -s $OUT ]] && break; sleep 0.1; done
     sleep 0.2; zpty -d shell; sed '/^BEGIN$/d; /^END$/d' $OUT`,
    'zsh',
    line,
  ],
  fish: (line) => [
    'fish',
    '--no-config',
    '-c',
    'coolify-state completion fish | source; complete -C $argv[1]',
    line,
  ],
};

async function suggested(shell: string, line: string): Promise<string[]> {
  const [program = '', ...args] = SHELLS[shell]?.(line) ?? [];
  const out = join(folder, `out-${Math.random().toString(36).slice(2)}`);
  const { stdout, stderr } = await collect(program, args, {
    env: { ...env, OUT: out, TERM: 'dumb' },
    cwd: folder,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((one) => one !== '');
}

describe.each(Object.keys(SHELLS))('%s completes', (shell) => {
  it('commands', async () => {
    expect(await suggested(shell, 'coolify-state ba')).toEqual(['backup']);
    expect(await suggested(shell, 'coolify-state sch')).toEqual(['schedule']);
  });

  it('hosts and groups, also the last part of a pattern', async () => {
    const hosts = await suggested(shell, 'coolify-state backup -i inventory.yml web');
    expect(hosts.sort()).toEqual(['web1', 'web2']);
    const last = await suggested(shell, 'coolify-state restore -i inventory.yml controller:!prod');
    // bash breaks words at ":" and replaces what follows it.
    expect(last).toEqual([shell === 'bash' ? '!production' : 'controller:!production']);
  });

  it('options, artifacts and snapshots', async () => {
    expect(await suggested(shell, 'coolify-state backup --accept')).toEqual(['--accept-new-instance']);
    expect(await suggested(shell, 'coolify-state restore --only data')).toEqual(['database']);
    const from = 'coolify-state restore -i inventory.yml web1 --from 2026';
    expect(await suggested(shell, from)).toEqual(['20260101T000000Z-abcdef']);
  });
});
