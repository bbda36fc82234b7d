import { type ConfigLine, cutWord } from './line.js';
import type { Activity } from './options.js';
import { matchesHostList, matchesList } from './patterns.js';
import { configFault } from './place.js';

/** What the criteria of a `Match` are held against. */
export interface MatchFacts {
  /** As it was asked for. */
  readonly original: string;
  /** As it would be connected to, as far as the configuration was read. */
  readonly host: string;
  readonly user: string;
  readonly localUser: string;
  readonly tag: string;
  /** Whether the configuration is being read again with the final name. */
  readonly finalPass: boolean;
}

export interface MatchResult {
  readonly activity: Activity;
  /** Whether the line asks for the configuration to be read again (`final`). */
  readonly wantsFinalPass: boolean;
}

/**
 * Judges a `Match` line. A criterion that takes more than names (a command to run, the networks of this machine) is
 * never tried: when all the others hold, the block is undecided.
 * @throws StateError `ssh-config.invalid`
 */
export function judgeMatch(line: ConfigLine, facts: MatchFacts): MatchResult {
  let holds = true;
  let undecided: string | undefined;
  let wantsFinalPass = false;
  const criteria = criteriaOf(line);
  for (const { name, negated, argument } of criteria) {
    if (name === 'final') wantsFinalPass = true;
    if (UNTRIED.has(name)) undecided ??= name;
    else if (criterionHolds(line, name, argument, facts) === negated) holds = false;
  }
  if (!holds) return { activity: 'inactive', wantsFinalPass };
  return { activity: undecided === undefined ? 'active' : { line, criterion: undecided }, wantsFinalPass };
}

interface Criterion {
  readonly name: string;
  readonly negated: boolean;
  readonly argument: string;
}

function criteriaOf(line: ConfigLine): Criterion[] {
  const criteria: Criterion[] = [];
  let rest: string | undefined = line.argument.trimEnd();
  while (rest !== undefined && rest !== '' && !rest.startsWith('#')) {
    const head = cutWord(rest);
    if (head === undefined) throw invalid(line, 'a quote is not closed');
    const negated = head.word.startsWith('!');
    const name = head.word.slice(negated ? 1 : 0).toLowerCase();
    rest = head.rest;
    if (ALONE.has(name)) {
      criteria.push({ name, negated, argument: '' });
      continue;
    }
    if (!WITH_ARGUMENT.has(name) && !UNTRIED.has(name)) throw invalid(line, `Match does not know "${name}"`);
    const argument: ReturnType<typeof cutWord> = rest === undefined ? undefined : cutWord(rest);
    if (argument === undefined || argument.word === '' || argument.word.startsWith('#')) {
      throw invalid(line, `Match ${name} has no argument`);
    }
    criteria.push({ name, negated, argument: argument.word });
    rest = argument.rest;
  }
  if (criteria.length === 0) throw invalid(line, 'Match has no criterion');
  const all = criteria.findIndex(({ name }) => name === 'all');
  if (all >= 0 && (all > 1 || all < criteria.length - 1)) {
    throw invalid(line, 'Match all stands alone, or behind "final" or "canonical"');
  }
  return criteria;
}

function criterionHolds(line: ConfigLine, name: string, argument: string, facts: MatchFacts): boolean {
  switch (name) {
    case 'all':
      return true;
    case 'final':
    case 'canonical':
      return facts.finalPass;
    case 'host':
      return matchesHostList(facts.host, argument);
    case 'originalhost':
      return matchesHostList(facts.original, argument);
    case 'user':
      return matchesList(facts.user, argument);
    case 'localuser':
      return matchesList(facts.localUser, argument);
    case 'tagged':
      return matchesList(facts.tag, argument);
    default:
      throw invalid(line, `Match does not know "${name}"`);
  }
}

const ALONE: ReadonlySet<string> = new Set(['all', 'canonical', 'final']);
const WITH_ARGUMENT: ReadonlySet<string> = new Set(['host', 'originalhost', 'user', 'localuser', 'tagged']);
/** What cannot be told from names alone. */
const UNTRIED: ReadonlySet<string> = new Set(['exec', 'localnetwork', 'command', 'sessiontype', 'version']);

function invalid(line: ConfigLine, what: string): Error {
  return configFault({ code: 'invalid', place: line.place, text: line.text, what });
}
