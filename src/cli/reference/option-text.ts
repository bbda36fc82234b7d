import type { OptionFacts } from './recorded-commands.js';

/** How an option is written, all its spellings: `-i, --inventory VALUE`, `--no-safety`. */
export function spelled(option: OptionFacts): string[] {
  const { name, aliases } = option;
  const short = aliases.filter((one) => one.length === 1).map((one) => `-${one}`);
  const long = [name, ...aliases].filter((one) => one.length > 1);
  return [...short, ...long.map((one) => `--${isSwitchedOff(option) ? 'no-' : ''}${one}`)];
}

/** What stands for its value; undefined where it takes none. */
export function valueName({ type, choices, name }: OptionFacts): string | undefined {
  if (type === 'boolean' || type === 'count') return undefined;
  if (choices.length > 0) return choices.join('|');
  return type === 'number' ? 'NUMBER' : placeholder(name);
}

/** What it is for, with its default, and whether it may be given several times. */
export function told(option: OptionFacts): string {
  const { describe, isList, isRequired } = option;
  const notes = [
    ...(isRequired ? ['required'] : []),
    ...(isList ? ['can be given several times'] : []),
    ...(option.default === undefined || isSwitchedOff(option) ? [] : [`default: ${option.default}`]),
  ];
  return notes.length === 0 ? describe : `${describe} (${notes.join('; ')})`;
}

/** What is on unless it is switched off is shown as one would type it. */
function isSwitchedOff({ type, default: standing }: OptionFacts): boolean {
  return type === 'boolean' && standing === 'true';
}

/** Words of names that say what a value is. */
const NOUNS = new Set(['dir', 'endpoint', 'file', 'host', 'id', 'key', 'region', 'repository', 'version']);

function placeholder(name: string): string {
  const last = name.split('-').at(-1) ?? name;
  return NOUNS.has(last) ? last.toUpperCase() : 'VALUE';
}

/** Options by their headings: those of the command itself first. */
export function grouped(options: readonly OptionFacts[]): [string, OptionFacts[]][] {
  const groups = new Map<string, OptionFacts[]>([['Options', []]]);
  for (const option of options) groups.set(option.group, [...(groups.get(option.group) ?? []), option]);
  return [...groups].filter(([, members]) => members.length > 0);
}
