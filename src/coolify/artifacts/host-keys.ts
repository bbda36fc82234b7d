import { posix } from 'node:path';
import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import type { Layout } from '../layout.js';
import { missingArtifact, type Pull } from '../pull.js';
import { contentOf, type Glob, packGlobs, readGlobs } from '../remote-files.js';
import { applyHostKeys, inspectHostKeys } from '../restore/host-keys.js';
import { HOST_KEY_FOLDER } from '../stored-paths.js';

const LIMIT = 256 * 1024;

export const hostKeys: Artifact = {
  name: 'host-keys',
  title: "host keys and root's own keys",
  onHost: '/etc/ssh/ssh_host_*, /root/.ssh/ssh_host_*, /root/.ssh/id_*',
  inState: `${HOST_KEY_FOLDER}/`,
  required: true,
  isEarly: true,
  proof: 'after a restore, sshd presents them',
  commands: ({ layout }) => [
    { purpose: hostKeys.title, command: packGlobs(keyGlobs(layout)), input: 'nothing' },
  ],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const { systemSsh } = pull.layout;
    let hostKeyFiles = 0;
    await readGlobs(
      pull.connection,
      keyGlobs(pull.layout),
      async ({ origin }, content) => {
        const bytes = await contentOf(content, LIMIT, origin.path);
        const name = posix.basename(origin.path);
        const isPrivateHostKey = origin.path.startsWith(`${systemSsh}/ssh_host_`) && !name.endsWith('.pub');
        if (isPrivateHostKey && bytes.length > 0) hostKeyFiles++;
        await pull.store(
          { path: storedName(pull, origin.path, name), artifact: hostKeys.name, origin },
          bytes,
          reporter,
        );
      },
      reporter.signal,
    );
    if (hostKeyFiles === 0) throw missingArtifact(hostKeys.title, systemSsh, 'holds no private host key');
    return `${pull.files.filter((file) => file.artifact === hostKeys.name).length} files`;
  },
  restore: {
    phase: 'identity',
    why: 'whoever knows the host goes on trusting it; last, because the connection changes with it',
    inspect: inspectHostKeys,
    apply: applyHostKeys,
  },
};

/** The order decides who keeps the plain name: host keys belong to /etc/ssh, identities to root's folder. */
function keyGlobs({ systemSsh, rootSsh }: Layout): readonly Glob[] {
  return [
    { folder: systemSsh, pattern: 'ssh_host_*' },
    { folder: rootSsh, pattern: 'id_*' },
    { folder: rootSsh, pattern: 'ssh_host_*' },
    { folder: systemSsh, pattern: 'id_*' },
  ];
}

/** Whether a file of the host belongs to this artifact. Its patterns are all beginnings of names. */
export function isHostIdentity(layout: Layout, path: string): boolean {
  return keyGlobs(layout).some(
    ({ folder, pattern }) =>
      posix.dirname(path) === folder && posix.basename(path).startsWith(pattern.slice(0, -1)),
  );
}

/** Two files of one name from two folders both survive: the second stands in a subfolder named after its own. */
function storedName(pull: Pull, origin: string, name: string): string {
  const plain = `${HOST_KEY_FOLDER}/${name}`;
  if (!pull.taken(plain)) return plain;
  return `${HOST_KEY_FOLDER}/from${posix.dirname(origin).replaceAll('/', '-')}/${name}`;
}
