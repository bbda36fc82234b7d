import type { CommandModule, InferredOptionTypes } from 'yargs';
import { COMMON, hostsPositional } from './options.js';
import { errorFacts, renderError } from './render-error.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { snapshotTable } from './snapshot-table.js';

type Arguments = InferredOptionTypes<typeof COMMON> & { hosts: string };

export const snapshotsCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(COMMON))
      .example('$0 snapshots', 'of every controller')
      .example('$0 snapshots web1 --json', 'all that is known of them, for a program'),
  handler: (args) =>
    runCommand(args, async ({ output, json, debug, verbose, signal }) => {
      const [{ listSnapshots }, { loadHosts }] = await Promise.all([
        import('../operations/snapshots/list-snapshots.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
      const { lines, errors } = await listSnapshots(hosts, { stateRoot: args['state-dir'], signal });
      if (json) {
        output.out(
          JSON.stringify({
            type: 'summary',
            command: 'snapshots',
            snapshots: lines,
            errors: errors.map(errorFacts),
          }),
        );
      } else {
        const { text, leftOut } = snapshotTable(lines, Date.now(), process.stdout.columns);
        output.out(text);
        if (leftOut.length > 0)
          output.err(`for want of room without ${leftOut.join(', ')}; --json tells all`);
        for (const error of errors) output.err(renderError(error, { debug, verbose }));
      }
      return Math.max(0, ...errors.map(({ exitStatus }) => exitStatus));
    }),
};
