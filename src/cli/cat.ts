import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { COMMON, hostsPositional, lastOf } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { choiceOf } from './snapshot-choice.js';
import { intoFile, intoStandardOutput } from './write-content.js';

const OPTIONS = {
  ...COMMON,
  output: {
    alias: 'o',
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'a new file to write instead of standard output, for its owner alone',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string; snapshot: string; path: string };

export const catCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(
      yargs
        .options(OPTIONS)
        .positional('snapshot', {
          type: 'string',
          demandOption: true,
          describe: 'its id, "latest", "local", a file, or the folder of a generation',
        })
        .positional('path', {
          type: 'string',
          demandOption: true,
          describe: 'a file or folder as "ls" shows it; "." for everything',
        }),
    )
      .example('$0 cat 3fa90c1b backups/coolify/.env', 'one file')
      .example('$0 cat latest backups/coolify/coolify_db.dump web1 -o db.dump', 'a large one, into a file')
      .example('$0 cat 3fa90c1b .ssh | tar -tvf -', 'a folder'),
  handler: (args) =>
    runCommand(args, async ({ output, json, signal }) => {
      if (json && args.output === undefined) throw contentOnly();
      const [{ locateSnapshot }, { readManifest }, { contentOf, wantedOf }, { loadHosts }] =
        await Promise.all([
          import('../operations/snapshots/located-snapshot.js'),
          import('../operations/snapshots/look-inside.js'),
          import('../operations/backup/take-files.js'),
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
        const wanted = wantedOf(await readManifest(located, signal), args.path, located.origin);
        const content = contentOf(located, wanted, signal);
        if (args.output === undefined) {
          await intoStandardOutput(content, signal);
          return 0;
        }
        const bytes = await intoFile(args.output, content, signal);
        if (json) output.out(JSON.stringify({ type: 'summary', command: 'cat', output: args.output, bytes }));
        else output.err(`wrote ${printable(args.output)}, ${bytes} bytes`);
        return 0;
      } finally {
        await located.close();
      }
    }),
};

function contentOnly(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: 'cat writes the content itself to standard output, where --json would write too',
    next: 'add --output FILE, or leave out --json',
  });
}
