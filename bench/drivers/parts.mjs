// What the drivers share: a driver is one step of ours as a process of its own, as long as the command line has no command
// for just that step. It is told where by an inventory, as the program is.
import { loadHosts } from '../../dist/operations/hosts/load-hosts.js';

export const signal = new AbortController().signal;

/** The first host of an inventory, as an operation sees it. */
export async function hostOf(inventory) {
  const [host] = await loadHosts({
    sources: [inventory],
    pattern: 'controller',
    limit: undefined,
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  return host;
}

export async function ended({ done }) {
  const { code, stderr } = await done;
  if (code !== 0) throw new Error(`the command on the host ended with status ${code}: ${stderr}`);
}
