import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoOf, messageOf, type StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { Graph, HostEntry } from './graph.js';
import { parseAddress } from './host-ranges.js';
import { nearestNames } from './nearest.js';
import { fault } from './place.js';

/**
 * Ansible's host patterns: names of hosts and groups, `*` and `?` and `[seq]`, `~regex`, `[0]` and `[1:3]` after a
 * name, joined with `,` or `:`, cut with `&`, less `!`. The order is that of the inventory.
 */
export class HostPatterns {
  constructor(
    private readonly graph: Graph,
    private readonly cwd: string,
  ) {}

  /**
   * The hosts of a pattern, held to `limit` where there is one; `limit` may also be `@file`, one pattern a line.
   * @throws StateError `inventory.pattern-unmatched` for a part that names nothing, `inventory.pattern-empty` when
   * nothing is left, `inventory.pattern-invalid`, `inventory.limit-file`
   */
  select(pattern: string, limit?: string): HostEntry[] {
    const chosen = this.evaluate(splitPattern(pattern), pattern);
    const terms = limit === undefined ? [] : this.withFiles(splitPattern(limit));
    if (pattern.trim() === '') throw this.empty(pattern, limit, 0);
    const allowed = terms.length === 0 ? undefined : new Set(this.evaluate(terms, limit ?? ''));
    const hosts = allowed === undefined ? chosen : chosen.filter((host) => allowed.has(host));
    if (hosts.length > 0) return hosts;
    throw this.empty(pattern, limit, chosen.length);
  }

  private evaluate(terms: readonly string[], whole: string): HostEntry[] {
    const unions = terms.filter((term) => !/^[!&]/.test(term));
    const cuts = terms.filter((term) => term.startsWith('&'));
    const exclusions = terms.filter((term) => term.startsWith('!'));
    let hosts = new Set<HostEntry>();
    for (const term of unions.length === 0 ? ['all'] : unions)
      for (const host of this.term(term, whole)) hosts.add(host);
    for (const term of cuts) {
      const kept = new Set(this.term(term.slice(1), whole));
      hosts = new Set([...hosts].filter((host) => kept.has(host)));
    }
    for (const term of exclusions) for (const host of this.term(term.slice(1), whole)) hosts.delete(host);
    return [...hosts];
  }

  private term(term: string, whole: string): HostEntry[] {
    if (term === '') throw invalid(whole, '"!" and "&" need a name after them');
    const exact = this.graph.hosts.get(term);
    if (exact !== undefined) return [exact];
    const subscript = term.startsWith('~') ? null : SUBSCRIPT.exec(term);
    const expression = subscript?.[1] ?? term;
    const found = this.matching(expression, whole);
    if (subscript === null || subscript === undefined) return found;
    const [, , index, from, to] = subscript;
    if (index === undefined)
      return found.slice(Number(from), to === '' || to === undefined ? undefined : Number(to) + 1);
    const one = found.at(Number(index));
    if (one !== undefined) return [one];
    throw fault({
      code: 'pattern-unmatched',
      what: `"${printable(term)}" asks for a host past the end: "${printable(expression)}" has ${found.length}`,
      next: 'coolify-state inventory --graph shows what there is; the first one is [0]',
    });
  }

  private matching(expression: string, whole: string): HostEntry[] {
    const matches = matcher(expression, whole);
    const hosts = new Set<HostEntry>();
    let groups = 0;
    for (const group of this.graph.groups.values()) {
      if (!matches(group.name)) continue;
      groups++;
      for (const host of group.members()) hosts.add(host);
    }
    if (groups === 0 || /^~|[.?*[]/.test(expression)) {
      for (const host of this.graph.hosts.values()) if (matches(host.name)) hosts.add(host);
    }
    if (groups === 0 && hosts.size === 0) throw this.unmatched(expression);
    return [...hosts];
  }

  private withFiles(terms: readonly string[]): string[] {
    return terms.flatMap((term) => (term.startsWith('@') ? this.fileTerms(term.slice(1)) : [term]));
  }

  private fileTerms(name: string): string[] {
    try {
      const lines = readFileSync(resolve(this.cwd, name), 'utf8').split('\n');
      return lines.map((line) => line.trim()).filter((line) => line !== '');
    } catch (cause) {
      const why = errnoOf(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause);
      throw fault({
        code: 'limit-file',
        what: `The limit file ${printable(name)} cannot be read`,
        expected: why,
        next: 'name an existing file after the @',
        cause,
      });
    }
  }

  private unmatched(expression: string): StateError {
    const names = [...this.graph.hosts.keys(), ...this.graph.groups.keys()];
    const near = nearestNames(expression, names);
    return fault({
      code: 'pattern-unmatched',
      what: `No host and no group matches "${printable(expression)}"`,
      expected: this.graph.hosts.size === 0 ? 'the inventory has no hosts' : undefined,
      next:
        near.length > 0
          ? `Did you mean ${near.map((name) => `"${printable(name)}"`).join(' or ')}?`
          : 'coolify-state inventory --graph shows what there is',
    });
  }

  private empty(pattern: string, limit: string | undefined, before: number): StateError {
    const shown = `"${printable(pattern)}"`;
    return fault({
      code: 'pattern-empty',
      what:
        before === 0 || limit === undefined
          ? `No host is left of the pattern ${shown}`
          : `None of the ${before} hosts of ${shown} is within the limit "${printable(limit)}"`,
      next: 'coolify-state inventory --graph shows what there is',
    });
  }
}

const SUBSCRIPT = /^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$/s;

/** The parts of a pattern. Colons separate too, unless the whole is a host name or an address. */
export function splitPattern(pattern: string): string[] {
  const parts = pattern.includes(',')
    ? pattern.split(',')
    : parseAddress(pattern) !== undefined
      ? [pattern]
      : (pattern.match(/(?:[^\s:[\]]|\[[^\]]*\])+/g) ?? []);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function matcher(expression: string, whole: string): (name: string) => boolean {
  const source = expression.startsWith('~')
    ? `^(?:${pythonRegex(expression.slice(1))})`
    : globRegex(expression);
  try {
    const regex = new RegExp(source, 's');
    return (name) => regex.test(name);
  } catch (cause) {
    throw invalid(whole, messageOf(cause));
  }
}

/** What Python writes differently. */
function pythonRegex(source: string): string {
  return source.replaceAll('(?P<', '(?<').replaceAll('\\A', '^').replaceAll('\\Z', '$');
}

/** A shell pattern as a regular expression, by the rules of Python's `fnmatch`. */
function globRegex(glob: string): string {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at] ?? '';
    const close = character === '[' ? setEnd(glob, at) : -1;
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (close >= 0) {
      source += setRegex(glob.slice(at + 1, close));
      at = close;
    } else source += character.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return `^(?:${source})$`;
}

/** `!` at its beginning negates a set; everything else in it but ranges stands for itself. */
function setRegex(body: string): string {
  const negated = body.startsWith('!');
  const members = (negated ? body.slice(1) : body).replace(/[\\[\]^&~|]/g, '\\$&');
  return `[${negated ? '^' : ''}${members}]`;
}

/** Where a set closes: a bracket right at its beginning belongs to it. */
function setEnd(glob: string, open: number): number {
  let at = open + 1;
  if (glob[at] === '!') at++;
  if (glob[at] === ']') at++;
  return glob.indexOf(']', at);
}

function invalid(pattern: string, why: string): StateError {
  return fault({
    code: 'pattern-invalid',
    what: `"${printable(pattern)}" is no host pattern`,
    expected: why,
    next: 'docs/inventory.md tells of patterns: "web*", "production:!web2", "group[0]"',
  });
}
