import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as library from '../../../src/index.js';
import { releasedSnapshots } from '../../released-snapshots.js';

const run = promisify(execFile);
const PROJECT = resolve(import.meta.dirname, '../../..');
const LIMIT_BYTES = 1024 * 1024;

const packed = z.tuple([
  z.object({
    filename: z.string(),
    unpackedSize: z.number(),
    files: z.array(z.object({ path: z.string() })),
  }),
]);

let folder = '';
let found: z.infer<typeof packed>[0];
/** What npm does not install with the package: who has a fleet installs it beside. */
const OPTIONAL = ['bullmq', 'ioredis'];
/** Preloaded into the program: writes down each module that is asked for, whether it is there or not. */
const RECORD = `import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(\`
  import { appendFileSync } from 'node:fs';
  export async function resolve(specifier, context, next) {
    appendFileSync(process.env.ASKED, specifier + ' ');
    return next(specifier, context);
  }
\`));
`;
/** The package as `npm install` lays it down, with the dependencies of this project beside it. */
let installed = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-package-'));
  const made = join(folder, 'made');
  await run(process.execPath, [join(PROJECT, 'release/package.mjs'), made]);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: made });
  [found] = packed.parse(JSON.parse(stdout));
  const modules = join(folder, 'node_modules');
  installed = join(modules, 'coolify-state');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, found.filename), '--strip-components=1', '-C', installed]);
  for (const name of await readdir(join(PROJECT, 'node_modules')))
    if (!name.startsWith('.') && !OPTIONAL.includes(name))
      await symlink(join(PROJECT, 'node_modules', name), join(modules, name));
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('has what is needed and no more', () => {
    const allowed =
      /^(?:package\.json|README\.md|LICENSE|docs\/man\/coolify-state\.1\.gz|docker\/drill-host\/[^/]+|dist\/(?:[a-z0-9-]+\.js|[a-z0-9/-]+\.d\.ts))$/;
    const paths = found.files.map(({ path }) => path);
    expect(paths.filter((path) => !allowed.test(path))).toEqual([]);
    for (const path of [
      'dist/main.js',
      'dist/index.js',
      'dist/index.d.ts',
      'docker/drill-host/Dockerfile',
      'LICENSE',
    ])
      expect(paths).toContain(path);
  });

  it('is small, apart from what it depends on', () => {
    expect(found.unpackedSize).toBeLessThan(LIMIT_BYTES);
  });

  it('has nothing that publint objects to', async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('depends on what it imports, and on nothing else', async () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = z
      .object({
        dependencies: z.record(z.string(), z.string()),
        peerDependencies: z.record(z.string(), z.string()),
        peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.literal(true) })),
      })
      .parse(JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')));
    expect(Object.keys(peerDependencies).sort()).toEqual(OPTIONAL);
    expect(Object.keys(peerDependenciesMeta).sort()).toEqual(OPTIONAL);
    const names = (await readdir(join(installed, 'dist'))).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(names.map((name) => readFile(join(installed, 'dist', name), 'utf8')));
    const imported = texts
      .flatMap((text) => [
        ...text.matchAll(/(?:^|[;\n}])import(?:[^"'`;()]*?from)?"([^".][^"]*)"/g),
        ...text.matchAll(/\bimport\([`"]([^`".][^`"]*)[`"]\)/g),
      ])
      .map(([, name = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? '');
    const foreign = [...new Set(imported)].filter((name) => !name.startsWith('node:'));
    expect(foreign.filter((name) => !(name in dependencies) && !(name in peerDependencies))).toEqual([]);
    const wanted = [...Object.keys(dependencies), ...OPTIONAL];
    expect(wanted.filter((name) => !foreign.includes(name))).toEqual([]);
  });
});

describe('the program from the package', () => {
  const start = (...args: readonly string[]) =>
    run(process.execPath, [join(installed, 'dist/main.js'), ...args], { cwd: folder });

  it('says its version and helps', async () => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')));
    expect((await start('--version')).stdout.trim()).toBe(version);
    expect((await start('restore', '--help')).stdout).toContain('Examples:');
  });

  it('lists and proves a released snapshot', async () => {
    const [released] = releasedSnapshots();
    if (released === undefined) throw new Error('there is no released snapshot');
    const { host, repository, identity } = released;
    const key = join(folder, 'identity');
    await writeFile(key, await readFile(identity), { mode: 0o600 });
    await writeFile(`${key}.pub`, await readFile(`${identity}.pub`));
    const vars = { coolify_backup_encryption_key_path: key, coolify_repository: [`file:${repository}`] };
    await writeFile(join(folder, 'hosts.yml'), JSON.stringify({ controller: { hosts: { [host]: vars } } }));
    const { stdout } = await start('verify', '--read-data', '-i', 'hosts.yml', '--json');
    expect(stdout).toContain('"command":"verify"');
    expect(stdout).toMatch(/"checked":"data".*"ok":true/);
    expect(await readdir(folder)).toContain('state');
  });

  const endOf = (...args: readonly string[]) =>
    start(...args).then(
      () => ({ status: 0, stderr: '' }),
      (error: unknown) =>
        z
          .object({ code: z.number(), stderr: z.string() })
          .transform(({ code, stderr: said }) => ({
            status: code,
            stderr: said,
          }))
          .parse(error),
    );

  it('works without what only a fleet needs, and a fleet says what to install', async () => {
    const { status, stderr } = await endOf('fleet', 'status', '--redis', 'redis://127.0.0.1');
    expect(status).toBe(2);
    expect(stderr).toContain('fleet.not-installed');
    expect(stderr).toContain('npm install bullmq@6 ioredis@6');
  });

  it('asks for the packages of a fleet where one is worked with, and nowhere else', async () => {
    const vars = {
      ...{ ansible_host: '127.0.0.1', ansible_port: 1, ansible_ssh_retries: 0, coolify_ssh_config: 'none' },
      coolify_backup_encryption_key_path: join(folder, 'recipient.pub'),
      coolify_repository: [`file:${join(folder, 'repository')}`],
      coolify_host_key_fingerprints: `SHA256:${'A'.repeat(43)}`,
    };
    await writeFile(
      join(folder, 'closed.yml'),
      JSON.stringify({ controller: { hosts: { 'closed.test': vars } } }),
    );
    const asked = async (...args: readonly string[]): Promise<string[]> => {
      const record = join(folder, 'asked');
      await writeFile(record, '');
      await writeFile(join(folder, 'record.mjs'), RECORD);
      const options = ['--import', join(folder, 'record.mjs'), join(installed, 'dist/main.js'), ...args];
      // How it ends is of no interest here: nothing answers.
      await run(process.execPath, options, { cwd: folder, env: { ...process.env, ASKED: record } }).catch(
        () => undefined,
      );
      return (await readFile(record, 'utf8')).split(' ');
    };
    const closed = ['-i', 'closed.yml'];
    const ofFleet = await asked('fleet', 'status', '--redis', 'redis://127.0.0.1:1');
    expect(ofFleet.filter((name) => OPTIONAL.includes(name))).not.toEqual([]);
    for (const [args, used] of [
      [['--help'], 'node:fs'],
      [['fleet', '--help'], 'yargs'],
      [['fleet', 'report', ...closed], 'yaml'],
      [['snapshots', ...closed], 'yaml'],
      [['backup', ...closed], 'ssh2'],
    ] as const) {
      const names = await asked(...args);
      expect(names, args.join(' ')).toContain(used);
      expect(
        names.filter((name) => OPTIONAL.includes(name)),
        args.join(' '),
      ).toEqual([]);
    }
  });

  it('knows the folder that a drill is built from', () => {
    expect(existsSync(join(installed, 'docker/drill-host/Dockerfile'))).toBe(true);
  });
});

describe('the library from the package', () => {
  it('has all that the library has', async () => {
    const script =
      'import * as it from "coolify-state"; process.stdout.write(JSON.stringify(Object.keys(it).sort()))';
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(Object.keys(library).sort());
  });

  it('has types that fit together', async () => {
    await writeFile(
      join(folder, 'use.mts'),
      "import { backup } from 'coolify-state';\nexport const it: typeof backup = backup;\n",
    );
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      'false',
      '--module',
      'nodenext',
      '--target',
      'es2023',
    ];
    const lib = ['--lib', 'es2023,esnext.disposable,esnext.collection', '--types', 'node'];
    const { stdout } = await run(
      process.execPath,
      [join(PROJECT, 'node_modules/typescript/bin/tsc'), ...options, ...lib, join(folder, 'use.mts')],
      { cwd: folder },
    ).catch((error: unknown) => ({ stdout: z.object({ stdout: z.string() }).parse(error).stdout }));
    expect(stdout.split('\n').filter((line) => line.includes('coolify-state/'))).toEqual([]);
  });
});
