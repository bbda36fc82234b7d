// One large file to this machine and to the host, against OpenSSH.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WITHOUT_NATIVE } from '../harness/as-published.mjs';
import { folderOnHost } from '../harness/data.mjs';
import { CLIENT_KEY, HOSTS, knownHosts, sshArgs } from '../harness/lab.mjs';
import { bash } from '../harness/measured.mjs';

const [{ port }] = HOSTS;

export function transferCases({ folder, inventory, files, driver, mebibytes }) {
  const remote = `${folderOnHost('text')}/data`;
  const pulled = join(folder, 'pulled');
  const clean = () => rm(pulled, { force: true });
  const pull = (...options) => ({
    title: 'ours',
    command: () => ({
      argv: [process.execPath, ...options, ...driver('pull'), inventory.plain, remote, pulled],
    }),
  });
  const push = (...options) => ({
    title: 'ours',
    command: () => ({
      argv: [
        process.execPath,
        ...options,
        ...driver('push'),
        inventory.plain,
        files.text,
        '/srv/bench/pushed',
      ],
    }),
  });
  const openssh = (text, ...args) => ({
    title: 'ssh',
    command: () => ({ argv: bash(text, ...args, ...sshArgs(port)) }),
  });
  const cat = openssh(
    'file=$1 to=$2; shift 2; exec ssh "$@" root@127.0.0.1 cat "$file" >"$to"',
    remote,
    pulled,
  );
  const write = openssh(
    'file=$1; shift; exec ssh "$@" root@127.0.0.1 "cat >/srv/bench/pushed" <"$file"',
    files.text,
  );
  const withoutNative = ['--import', WITHOUT_NATIVE];
  return [
    {
      name: 'pull',
      mebibytes,
      title: 'pull of a file',
      against: '`ssh host cat`',
      ours: pull(),
      peer: cat,
      before: clean,
      target: 1,
    },
    {
      name: 'push',
      mebibytes,
      title: 'push of a file',
      against: '`ssh host "cat >"`',
      ours: push(),
      peer: write,
      target: 0.9,
    },
    {
      name: 'pull-without-native',
      mebibytes,
      title: "pull without ssh2's native binding",
      against: '`ssh host cat`',
      ours: pull(...withoutNative),
      peer: cat,
      before: clean,
    },
    {
      name: 'push-without-native',
      mebibytes,
      title: "push without ssh2's native binding",
      against: '`ssh host "cat >"`',
      ours: push(...withoutNative),
      peer: write,
    },
  ];
}

/** What peers need to reach the host in scripts of their own. */
export const WAY_IN = [port, CLIENT_KEY, knownHosts()];
