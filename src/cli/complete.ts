/** Options whose value is completed here; those of files are left to the shell. */
const SNAPSHOTS = new Set(['--from', '--with', '--snapshot', '-s']);
const HOSTS = new Set(['--to', '--limit', '-l']);
const ARTIFACTS = new Set(['--only', '--skip']);
const FILES = new Set([
  '--inventory',
  '-i',
  '--state-dir',
  '--vault-password-file',
  '--vault-id',
  '--output',
]);

/** Commands whose first word is a pattern of hosts. */
const NOT_ON_HOSTS = new Set(['inventory', 'init', 'schedule', 'import', 'completion']);

/** Commands whose first word is a snapshot. */
const OF_SNAPSHOTS = new Set(['ls', 'cat']);

/** How long a shell may be kept waiting for a store that does not answer. */
const PATIENCE_MS = 3000;

/**
 * What could stand in place of the last word. Looks into the inventory that the words name, and for snapshots into its
 * repositories and the state folder; whatever goes wrong there means no suggestion. `static` leaves the word to yargs,
 * which knows commands, options and choices.
 */
export async function completionsOf(words: readonly string[]): Promise<string[] | 'static'> {
  const current = words.at(-1) ?? '';
  const previous = words.at(-2) ?? '';
  if (FILES.has(previous)) return [];
  const found = await candidates(words, current, previous).catch(() => []);
  if (found === 'static') return found;
  return [...new Set(found)].filter((candidate) => candidate.startsWith(current));
}

async function candidates(
  words: readonly string[],
  current: string,
  previous: string,
): Promise<readonly string[] | 'static'> {
  if (ARTIFACTS.has(previous)) return await listed(current, ',', artifactNames);
  if (HOSTS.has(previous)) return await listed(current, /[:,]/, () => hostNames(words));
  if (SNAPSHOTS.has(previous)) return await snapshotNames(words);
  const [command, ...rest] = words.slice(0, -1);
  if (OF_SNAPSHOTS.has(command ?? '') && !current.startsWith('-') && !hasPositional(rest))
    return await snapshotNames(words);
  const takesHosts = command !== undefined && !command.startsWith('-') && !NOT_ON_HOSTS.has(command);
  if (!current.startsWith('-') && takesHosts && !hasPositional(rest)) {
    return await listed(current, /[:,]/, () => hostNames(words));
  }
  return 'static';
}

/** Candidates for the last part of a list; what stands before it is kept. */
async function listed(
  current: string,
  separator: string | RegExp,
  names: () => Promise<readonly string[]>,
): Promise<string[]> {
  const last = current.split(separator).at(-1) ?? '';
  const before = current.slice(0, current.length - last.length);
  const sign = /^[!&]/.exec(last)?.[0] ?? '';
  return (await names()).map((name) => `${before}${sign}${name}`);
}

async function artifactNames(): Promise<string[]> {
  const { ARTIFACTS: all } = await import('../coolify/artifacts.js');
  return all.map(({ name }) => name);
}

async function hostNames(words: readonly string[]): Promise<string[]> {
  const { openInventory } = await import('../operations/hosts/load-hosts.js');
  const inventory = await openInventory({ sources: inventoriesOf(words), warn: () => undefined });
  return [...inventory.groups.keys(), ...inventory.hosts.map(({ name }) => name)];
}

async function snapshotNames(words: readonly string[]): Promise<string[]> {
  const [{ loadHosts }, { openStateFolder }, { snapshotIds }] = await Promise.all([
    import('../operations/hosts/load-hosts.js'),
    import('../state/state-folder.js'),
    import('../operations/snapshots/ids.js'),
  ]);
  const [, ...rest] = words.slice(0, -1);
  const hosts = await loadHosts({
    sources: inventoriesOf(words),
    pattern: positionalsOf(rest)[0] ?? 'controller',
    limit: undefined,
    warn: () => undefined,
  });
  const state = await openStateFolder(valueIn(words, ['--state-dir']) ?? 'state');
  return ['latest', 'local', ...(await snapshotIds(hosts, state, AbortSignal.timeout(PATIENCE_MS)))];
}

function inventoriesOf(words: readonly string[]): string[] {
  const named = words.flatMap((word, index) =>
    ['-i', '--inventory'].includes(words[index - 1] ?? '') ? [word] : [],
  );
  return named.length === 0 ? ['inventory/'] : named;
}

function valueIn(words: readonly string[], names: readonly string[]): string | undefined {
  return words.find((_word, index) => names.includes(words[index - 1] ?? ''));
}

function hasPositional(words: readonly string[]): boolean {
  return positionalsOf(words).length > 0;
}

/** Words that are neither an option nor the value of one that is known to take a value. */
function positionalsOf(words: readonly string[]): string[] {
  const valued = new Set([...SNAPSHOTS, ...HOSTS, ...ARTIFACTS, ...FILES, '--forks', '-f', '--max-failures']);
  return words.filter((word, index) => !word.startsWith('-') && !valued.has(words[index - 1] ?? ''));
}
