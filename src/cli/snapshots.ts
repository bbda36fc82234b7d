import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import { age, bytes, table } from './figures.js';
import { COMMON, hostsPositional } from './options.js';
import { errorFacts, renderError } from './render-error.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';

type Arguments = InferredOptionTypes<typeof COMMON> & { hosts: string };

export const snapshotsCommand: CommandModule<object, Arguments> = {
  command: 'snapshots [hosts]',
  describe: 'List what there is: generations here, snapshots in the repositories',
  builder: (yargs) => hostsPositional(yargs.options(COMMON)).example('$0 snapshots', 'of every controller'),
  handler: (args) =>
    runCommand(args, async ({ output, json, debug, signal }) => {
      const [{ listSnapshots }, { loadHosts }] = await Promise.all([
        import('../operations/list-snapshots.js'),
        import('../operations/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
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
        const now = Date.now();
        const rows = lines.map(({ host, id, createdAt, size, coolify, proven, problem, where }) => [
          printable(host),
          id,
          createdAt,
          age(now - Date.parse(createdAt)),
          size === undefined ? '?' : bytes(size),
          coolify ?? '',
          problem !== undefined ? printable(problem) : proven === true ? 'proven' : 'NOT PROVEN',
          printable(where),
        ]);
        output.out(table([['HOST', 'ID', 'TAKEN', 'AGE', 'SIZE', 'COOLIFY', 'PROOFS', 'WHERE'], ...rows]));
        for (const error of errors) output.err(renderError(error, { debug }));
      }
      return Math.max(0, ...errors.map(({ exitStatus }) => exitStatus));
    }),
};
