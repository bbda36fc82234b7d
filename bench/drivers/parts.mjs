// What the drivers share: a driver is one step of ours as a process of its own, as long as the command line has no command
// for just that step. It is told where by an inventory, as the program is.
import { join } from 'node:path';

const BUILD = process.env['COOLIFY_STATE_BUILD'] ?? join(import.meta.dirname, '../../dist');
export const built = (file) => import(join(BUILD, file));

// As the program does it.
const { fitHeapToStreams } = await built('cli/heap.js').catch(() => ({}));
fitHeapToStreams?.();

export const signal = new AbortController().signal;

/** The first host of an inventory, as an operation sees it. */
export async function hostOf(inventory) {
  const { loadHosts } = await built('operations/hosts/load-hosts.js');
  const [host] = await loadHosts({
    sources: [inventory],
    pattern: 'controller',
    limit: undefined,
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  return host;
}

export async function connected({ endpoint }) {
  const { connect } = await built('ssh/connection.js');
  return connect(endpoint, { signal });
}

export async function repositoryOf({ repositories }) {
  const { openRepository } = await built('repository/open.js');
  return openRepository(repositories[0]);
}

export async function ended({ done }) {
  const { code, stderr } = await done;
  if (code !== 0) throw new Error(`the command on the host ended with status ${code}: ${stderr}`);
}
