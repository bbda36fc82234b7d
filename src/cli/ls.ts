import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import { bytes, table } from './figures.js';
import { COMMON, hostsPositional } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { choiceOf } from './snapshot-choice.js';

type Arguments = InferredOptionTypes<typeof COMMON> & { hosts: string; snapshot: string };

export const lsCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(
      yargs.options(COMMON).positional('snapshot', {
        type: 'string',
        demandOption: true,
        describe: 'its id, "latest", "local", a file, or the folder of a generation',
      }),
    )
      .example('$0 ls 3fa90c1b', 'of whichever host it is')
      .example('$0 ls latest web1', 'the newest one of a host'),
  handler: (args) =>
    runCommand(args, async ({ output, json, signal }) => {
      const [{ locateSnapshot }, { readManifest }, { loadHosts }] = await Promise.all([
        import('../operations/snapshots/located-snapshot.js'),
        import('../operations/snapshots/look-inside.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const located = await locateSnapshot(hosts, {
        stateRoot: args['state-dir'],
        from: choiceOf(args.snapshot),
        passphrase: requiredPassphraseOf,
        warn: (message) => output.err(`warning  ${printable(message)}`),
        signal,
      });
      try {
        const { id, host, createdAt, files } = await readManifest(located, signal);
        if (json) {
          output.out(
            JSON.stringify({
              type: 'summary',
              command: 'ls',
              where: located.origin,
              id,
              host,
              createdAt,
              files,
            }),
          );
          return 0;
        }
        const rows = files.map(({ path, size, origin, artifact }) => [
          origin === undefined ? '' : origin.mode.toString(8).padStart(4, '0'),
          origin === undefined
            ? ''
            : printable(`${origin.owner || origin.uid}:${origin.group || origin.gid}`),
          bytes(size),
          artifact,
          printable(path),
          origin === undefined ? '' : printable(origin.path),
        ]);
        output.out(`${printable(host)}, taken at ${createdAt}: ${printable(located.origin)}`);
        output.out(table([['MODE', 'OWNER', 'SIZE', 'ARTIFACT', 'PATH', 'ON THE HOST'], ...rows]));
        return 0;
      } finally {
        await located.close();
      }
    }),
};
