import { StateError } from '../core/errors.js';
import { faultAt } from './place.js';
import { textOf } from './python-text.js';
import { keyText, kindOf, type MapNode, type Node } from './value.js';

/** A member of a plugin's configuration. */
export function option(map: MapNode, name: string): Node | undefined {
  return map.entries.get(name)?.node;
}

/** The same as text; undefined where it is missing or empty. */
export function optionText(map: MapNode, name: string): string | undefined {
  const node = option(map, name);
  if (node === undefined || isEmpty(node)) return undefined;
  return sourceOf(node);
}

/** A switch, with the words that Ansible takes for true and false. */
export function flag(map: MapNode, name: string, fallback: boolean): boolean {
  const node = option(map, name);
  if (node === undefined || isEmpty(node)) return fallback;
  const text = sourceOf(node).toLowerCase();
  if (['true', 'yes', 'on', '1', 'y', 't'].includes(text)) return true;
  if (['false', 'no', 'off', '0', 'n', 'f'].includes(text)) return false;
  throw faultAt(node.at, { code: 'constructed', what: `"${name}" is neither true nor false` });
}

/** The entries of a member that is a mapping. */
export function mapping(
  config: MapNode,
  name: string,
): Iterable<{ key: string; keyAt: Node['at']; node: Node }> {
  const node = option(config, name);
  if (node === undefined || isEmpty(node)) return [];
  if (node.kind !== 'map') {
    throw faultAt(node.at, {
      code: 'constructed',
      what: `"${name}" is ${kindOf(node)}`,
      expected: '"name: expression" lines',
    });
  }
  return [...node.entries.values()].map((entry) => ({ ...entry, key: keyText(entry.key) }));
}

export function isEmpty(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** The text of an expression; a number or a boolean in YAML is one too. */
export function sourceOf(node: Node): string {
  if (node.kind === 'scalar') return node.value === null ? '' : textOf(node.value);
  throw faultAt(node.at, {
    code: 'constructed',
    what: `${kindOf(node)} stands where an expression belongs`.replace(/^a/, 'A'),
  });
}

/** What Ansible passes over unless `strict`: an expression that has no value for a host. */
export function attempt<Result>(strict: boolean, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (thrown) {
    const passes =
      thrown instanceof StateError &&
      ['inventory.undefined-variable', 'inventory.template-value'].includes(thrown.code);
    if (strict || !passes) throw thrown;
    return undefined;
  }
}

/** Group names may hold letters, digits and underscores, and do not begin with a digit. */
export function safeGroupName(name: string): string {
  return name.replace(/^\p{Nd}|[^\p{L}\p{N}_]/gu, '_');
}
