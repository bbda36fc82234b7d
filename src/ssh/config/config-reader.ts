import { isAbsolute, join } from 'node:path';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { ConfigFiles } from './config-files.js';
import { globPaths } from './glob.js';
import { keywordOf } from './keywords.js';
import type { ConfigLine } from './line.js';
import { judgeMatch } from './match.js';
import type { Activity, Options } from './options.js';
import { matchesPattern } from './patterns.js';
import { configFault } from './place.js';
import { allTokens, filled, fillInHome, type Machine } from './tokens.js';

/** Which files are read: those of user and system, another one instead of both (`-F`), or none. */
export type ConfigChoice = 'usual' | 'none' | { readonly file: string };

export interface ReaderContext {
  readonly machine: Machine;
  readonly files: Pick<ConfigFiles, 'lines'>;
  /** Whom to log in as when nothing says so. */
  readonly defaultUser: string;
  /** `/etc/ssh`. */
  readonly systemFolder: string;
}

/** How far the lines of a file count, and whose they are. */
interface Scope {
  /** Of the line that included the file: nothing in it counts for more. */
  readonly limit: Activity;
  readonly ofUser: boolean;
  readonly private: boolean;
  /** The files that include each other, the present one last. */
  readonly chain: readonly string[];
}

/** Collects the options of one host; the first value of each wins. */
export class ConfigReader {
  readonly options: Options = { identityFiles: [] };
  /** Whether some `Match final` asks for a second reading with the final name. */
  wantsFinalPass = false;
  readonly #original: string;
  readonly #context: ReaderContext;
  #finalHost: string | undefined;

  constructor(original: string, context: ReaderContext) {
    this.#original = original;
    this.#context = context;
  }

  /** @throws StateError `ssh-config.invalid` */
  readCommandLine(lines: readonly ConfigLine[]): void {
    for (const line of lines) {
      if (['host', 'match', 'include'].includes(line.keyword)) {
        const what = `${line.keyword} stands in files only`;
        throw configFault({ code: 'invalid', place: line.place, text: line.text, what });
      }
      keywordOf(line.keyword)?.apply(this.options, line, 'active', true);
    }
  }

  /** @throws StateError `ssh-config.*` */
  readFiles(choice: ConfigChoice): void {
    if (choice === 'none') return;
    const top = { limit: 'active', chain: [] } as const;
    if (choice !== 'usual') {
      if (!this.#read(choice.file, { ...top, ofUser: true, private: false })) throw missing(choice.file);
      return;
    }
    const { machine, systemFolder } = this.#context;
    this.#read(join(machine.home, '.ssh/config'), { ...top, ofUser: true, private: true });
    this.#read(join(systemFolder, 'ssh_config'), { ...top, ofUser: false, private: false });
  }

  /** Reads the files again: `Host` and `Match` look at the final name now. */
  readFilesAgain(choice: ConfigChoice, finalHost: string): void {
    this.#finalHost = finalHost;
    const { hostName } = this.options;
    // It is settled: a HostName that counts only now comes too late.
    this.options.hostName ??= { value: finalHost, at: { kind: 'setting', name: 'HostName' }, text: '' };
    this.readFiles(choice);
    if (hostName === undefined) delete this.options.hostName;
  }

  /** The name to connect to, as far as the configuration was read. */
  get host(): string {
    if (this.#finalHost !== undefined) return this.#finalHost;
    const { hostName } = this.options;
    return hostName === undefined
      ? this.#original
      : filled(hostName, (text, fill) => fill(text, { h: this.#original }));
  }

  get user(): string {
    return this.options.user?.value ?? this.#context.defaultUser;
  }

  /** @returns false when there is no such file */
  #read(path: string, scope: Scope): boolean {
    const lines = this.#context.files.lines(path, scope);
    if (lines === undefined) return false;
    const inside = { ...scope, chain: [...scope.chain, path] };
    let activity = scope.limit;
    for (const line of lines) activity = this.#line(line, activity, inside);
    return true;
  }

  /** @returns whether the lines that follow count */
  #line(line: ConfigLine, activity: Activity, scope: Scope): Activity {
    switch (line.keyword) {
      case 'host':
        return within(scope.limit, this.#hostMatches(line) ? 'active' : 'inactive');
      case 'match':
        return within(scope.limit, this.#matchActivity(line));
      case 'include':
        this.#include(line, activity, scope);
        return activity;
      default:
        keywordOf(line.keyword)?.apply(this.options, line, activity, scope.ofUser);
        return activity;
    }
  }

  #hostMatches(line: ConfigLine): boolean {
    const host = this.#finalHost ?? this.#original;
    if (line.words.length === 0 || line.words.includes('')) throw invalid(line, 'Host expects patterns');
    let matched = false;
    for (const word of line.words) {
      const negated = word.startsWith('!');
      if (!matchesPattern(host, negated ? word.slice(1) : word)) continue;
      if (negated) return false;
      matched = true;
    }
    return matched;
  }

  #matchActivity(line: ConfigLine): Activity {
    const { activity, wantsFinalPass } = judgeMatch(line, {
      original: this.#original,
      host: this.host,
      user: this.user,
      localUser: this.#context.machine.localUser,
      tag: this.options.tag?.value ?? '',
      finalPass: this.#finalHost !== undefined,
    });
    if (wantsFinalPass) this.wantsFinalPass = true;
    return activity;
  }

  #include(line: ConfigLine, activity: Activity, scope: Scope): void {
    const { machine, systemFolder } = this.#context;
    if (line.words.length === 0 || line.words.includes('')) throw invalid(line, 'Include expects files');
    for (const word of line.words) {
      if (word.startsWith('~') && !scope.ofUser)
        throw invalid(line, 'the system configuration has no home: "~"');
      const path = filled({ value: word, at: line.place, text: line.text }, (text, fill) =>
        fillInHome(
          text.includes('%') || text.includes('$') ? fill(text, this.#tokens(), machine.env) : text,
          machine,
        ),
      );
      const folder = scope.ofUser ? join(machine.home, '.ssh') : systemFolder;
      for (const file of globPaths(isAbsolute(path) ? path : join(folder, path))) {
        if (scope.chain.includes(file)) throw invalid(line, `${file} would include itself`);
        if (scope.chain.length > DEEPEST) throw invalid(line, 'files include each other too deeply');
        this.#read(file, { ...scope, limit: activity, private: true });
      }
    }
  }

  #tokens(): ReturnType<typeof allTokens> {
    const { hostKeyAlias, port } = this.options;
    return allTokens(this.#context.machine, {
      original: this.#original,
      host: this.host,
      port: port?.value ?? 22,
      user: this.user,
      jump: '',
      alias: hostKeyAlias?.value,
    });
  }
}

/** As in OpenSSH. */
const DEEPEST = 16;

function within(limit: Activity, own: Activity): Activity {
  if (limit === 'inactive' || own === 'inactive') return 'inactive';
  return limit === 'active' ? own : limit;
}

function invalid(line: ConfigLine, what: string): StateError {
  return configFault({ code: 'invalid', place: line.place, text: line.text, what });
}

function missing(file: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'ssh-config.missing',
    what: `There is no ssh configuration ${printable(file)}`,
    next: 'correct the path, or say "none" for no file',
  });
}
