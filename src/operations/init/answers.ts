import { homedir } from 'node:os';
import { join } from 'node:path';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { InventoryAnswers } from './inventory.js';
import { type KeyCandidate, keyCandidates } from './keys.js';
import { absolute, type Place, parsePlace, withTilde } from './place.js';
import { parseTarget } from './target.js';

/** What was said in advance, as it was typed. */
export interface GivenAnswers {
  readonly host?: string | undefined;
  readonly name?: string | undefined;
  readonly key?: string | undefined;
  readonly knownHosts?: string | undefined;
  readonly repository?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly encryptionKey?: string | undefined;
  readonly newKey?: string | undefined;
  /** A host is added to an inventory that may say the rest. */
  readonly add: boolean;
}

/** A question to a person. */
export interface Question {
  readonly text: string;
  /** Lines to show above it. */
  readonly help?: readonly string[];
  /** What an empty answer means; undefined where there has to be one. */
  readonly fallback?: string;
}

/** Asks; `undefined` where nobody can be asked. */
export type Ask = ((question: Question) => Promise<string>) | undefined;

export interface CompleteAnswers extends InventoryAnswers {
  /** Absolute path of the private half of a key that is to be made. Its `.pub` is then the encryption key. */
  readonly newKey: string | undefined;
}

/** Where a new key goes unless somebody says otherwise. */
const NEW_KEY = '~/.ssh/coolify-state';
/** How often a person may mistype. */
const ATTEMPTS = 3;

/**
 * Asks for what was not given: five questions at most.
 * @throws StateError `init.host`, `init.repository`, `init.answer-missing`, `init.name`
 */
export async function completeAnswers(given: GivenAnswers, ask: Ask, cwd: string): Promise<CompleteAnswers> {
  const target = await answered(given.host, ask, HOST, parseTarget);
  const key = given.key ?? (given.host === undefined ? await ask?.(LOGIN_KEY) : undefined);
  const place = await askedPlace(given, ask, cwd);
  const endpoint = given.endpoint ?? (place?.kind === 's3' ? await ask?.(ENDPOINT) : undefined);
  const { encryptionKey, newKey } = await askedEncryption(given, ask, cwd);
  return {
    name: checkedName(given.name ?? target.address),
    target,
    privateKeyFile: filled(key) === undefined ? undefined : absolute(filled(key) ?? '', cwd),
    knownHostsFile: given.knownHosts === undefined ? undefined : absolute(given.knownHosts, cwd),
    place,
    endpoint: filled(endpoint),
    region: filled(given.region),
    encryptionKey,
    newKey,
    dataPath: undefined,
  };
}

const HOST: Question = {
  text: 'The Coolify controller',
  help: ['Where is it? For example root@coolify.example.com, or ubuntu@203.0.113.10:2222'],
};

const LOGIN_KEY: Question = {
  text: 'Private key to log in with',
  fallback: '',
  help: ['Empty for those of the SSH agent and the usual ones in ~/.ssh'],
};

const PLACE: Question = {
  text: 'Snapshots',
  help: ['Where do they go? A bucket (s3://my-bucket/coolify), a folder (/srv/snapshots), or "none"'],
};

const ENDPOINT: Question = {
  text: 'Address of the S3 service',
  fallback: '',
  help: ['For example https://fsn1.your-objectstorage.com. Empty for AWS'],
};

/** A value that was given, or else asked for until it can be understood. */
async function answered<Value>(
  given: string | undefined,
  ask: Ask,
  question: Question,
  parse: (text: string) => Value,
): Promise<Value> {
  if (given !== undefined) return parse(given);
  if (ask === undefined) throw missing(question);
  let help = question.help ?? [];
  for (let attempt = 1; ; attempt++) {
    try {
      return parse(await ask({ ...question, help }));
    } catch (error) {
      if (!(error instanceof StateError) || error.kind !== 'usage' || attempt >= ATTEMPTS) throw error;
      help = [error.message, ...(error.next === undefined ? [] : [error.next])];
    }
  }
}

async function askedPlace(given: GivenAnswers, ask: Ask, cwd: string): Promise<Place | undefined> {
  if (given.repository === undefined && given.add) return undefined;
  return await answered(given.repository, ask, PLACE, (text) => parsePlace(text, cwd));
}

async function askedEncryption(
  given: GivenAnswers,
  ask: Ask,
  cwd: string,
): Promise<Pick<CompleteAnswers, 'encryptionKey' | 'newKey'>> {
  if (given.encryptionKey !== undefined)
    return { encryptionKey: absolute(given.encryptionKey, cwd), newKey: undefined };
  if (given.newKey !== undefined) return toBeMade(absolute(given.newKey, cwd));
  if (given.add) return { encryptionKey: undefined, newKey: undefined };
  const candidates = await keyCandidates(join(homedir(), '.ssh'));
  const [first] = candidates;
  const fresh = toBeMade(absolute(NEW_KEY, cwd));
  if (ask === undefined)
    return first === undefined ? fresh : { encryptionKey: first.path, newKey: undefined };
  return await answered(undefined, ask, encryptionQuestion(candidates), (text) =>
    chosenKey(text, candidates, cwd),
  );
}

function encryptionQuestion(candidates: readonly KeyCandidate[]): Question {
  return {
    text: 'Key that opens them',
    fallback: candidates.length > 0 ? '1' : 'new',
    help: [
      'Snapshots are encrypted to a public key. Which one?',
      ...candidates.map(
        ({ path, type, fingerprint }, index) =>
          `  ${index + 1}    ${withTilde(path)} (${type} ${fingerprint})`,
      ),
      `  new  make one: ${NEW_KEY}`,
      '  or the path of a public key or a file of age recipients',
    ],
  };
}

function chosenKey(
  text: string,
  candidates: readonly KeyCandidate[],
  cwd: string,
): Pick<CompleteAnswers, 'encryptionKey' | 'newKey'> {
  const answer = text.trim();
  if (answer === 'new') return toBeMade(absolute(NEW_KEY, cwd));
  if (!/^\d+$/.test(answer)) return { encryptionKey: absolute(answer, cwd), newKey: undefined };
  const candidate = candidates[Number(answer) - 1];
  if (candidate !== undefined) return { encryptionKey: candidate.path, newKey: undefined };
  throw new StateError({
    kind: 'usage',
    code: 'init.key-choice',
    what: `There is no key ${answer} in the list`,
    next: 'answer with a number of the list, "new", or the path of a key',
  });
}

function toBeMade(path: string): Pick<CompleteAnswers, 'encryptionKey' | 'newKey'> {
  return { encryptionKey: `${path}.pub`, newKey: path };
}

/** The name becomes a folder, here and in the repository. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,179}$/.test(name)) return name;
  throw new StateError({
    kind: 'usage',
    code: 'init.name',
    what: `"${printable(name)}" cannot be the name of a host`,
    why: 'letters, digits, dots, dashes and underscores can',
    next: 'give it a plain name with --name',
  });
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

function missing({ text }: Question): StateError {
  const flag = text === HOST.text ? 'coolify-state init root@HOST' : '--repository PLACE';
  return new StateError({
    kind: 'usage',
    code: 'init.answer-missing',
    what: `It was not said what this is: ${text.toLowerCase()}`,
    why: 'there is no terminal to ask on, or --yes was given',
    next: `say it: ${flag}`,
  });
}
