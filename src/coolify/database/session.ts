import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StateError } from '../../core/errors.js';
import { linesOf } from '../../core/lines.js';
import { lastLines } from '../../core/terminal-text.js';
import type { Connection, RemoteProcess } from '../../ssh/connection.js';
import { type InputLine, VALUE } from '../host-command.js';
import { type DatabaseAccess, psql } from './commands.js';
import { engineRefusal, mayWorkSoon, type SilentEnd } from './unready.js';

const ANSWER_END = 'end-of-answer-';

/** Far more than the names of all tables take; a host that lies must not fill the memory. */
const ANSWER_LIMIT = 64 * 1024 * 1024;
const LINE_LIMIT = 1024 * 1024;
/** Before the next attempt to begin, milliseconds: together longer than a container takes to restart. */
const PAUSES = [500, 1000, 2000, 4000, 8000];

/** The lines that `DatabaseSession.query` sends to psql for a statement. */
export function statementLines(sql: string): InputLine[] {
  return [...sql.split('\n'), { text: `\\echo ${ANSWER_END}${VALUE}`, value: 'hex' }];
}

/**
 * One psql on the host, fed through its standard input: statements and values never stand in a command line.
 * Statements run one after another; each answer is a list of lines (unaligned, tuples only).
 * Where psql did not come about, for a reason that passes, the first statement is tried again for some seconds.
 */
export class DatabaseSession implements AsyncDisposable {
  readonly #start: () => Promise<RemoteProcess>;
  readonly #signal: AbortSignal;
  #process: RemoteProcess;
  #lines: AsyncIterator<string, void>;
  #hasAnswered = false;

  private constructor(start: () => Promise<RemoteProcess>, process: RemoteProcess, signal: AbortSignal) {
    this.#start = start;
    this.#signal = signal;
    this.#process = process;
    this.#lines = answerLines(process);
  }

  static async open(
    connection: Connection,
    access: DatabaseAccess,
    signal: AbortSignal,
  ): Promise<DatabaseSession> {
    const start = () => connection.open(psql(access), { signal });
    return new DatabaseSession(start, await start(), signal);
  }

  /**
   * Runs SQL text (one or more statements, psql's `\\gexec` included) and returns the lines of its answer.
   * @throws StateError `database.query-failed` with what PostgreSQL said; `database.answer-too-large`
   */
  async query(sql: string): Promise<string[]> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#asked(sql);
      if ('lines' in answer) {
        this.#hasAnswered = true;
        return answer.lines;
      }
      const pause = PAUSES[attempt];
      if (this.#hasAnswered || pause === undefined || !mayWorkSoon(answer)) throw failure(answer);
      await sleep(pause, undefined, { signal: this.#signal });
      this.#process = await this.#start();
      this.#lines = answerLines(this.#process);
    }
  }

  /** The only value of an answer of one line. */
  async value(sql: string): Promise<string> {
    return (await this.query(sql)).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    // Whatever it still says: one that goes on and on is stopped.
    this.#process.stdout.destroy();
    await this.#process.done.catch(() => undefined);
  }

  async #asked(sql: string): Promise<{ readonly lines: string[] } | SilentEnd> {
    const marker = `${ANSWER_END}${randomBytes(9).toString('hex')}`;
    this.#process.stdin.write(`${sql}\n\\echo ${marker}\n`);
    const lines: string[] = [];
    let size = 0;
    for (;;) {
      const line = await this.#nextLine();
      if (line === undefined) return { ...(await this.#process.done), firstLine: lines[0] };
      if (line === marker) return { lines };
      size += line.length;
      if (size > ANSWER_LIMIT) throw tooLarge();
      lines.push(line);
    }
  }

  /** Undefined at the end, and where the output broke off: the process tells why. */
  async #nextLine(): Promise<string | undefined> {
    try {
      return (await this.#lines.next()).value ?? undefined;
    } catch (error) {
      if (error instanceof StateError) throw error;
      return undefined;
    }
  }
}

function answerLines({ stdin, stdout }: RemoteProcess): AsyncIterator<string, void> {
  stdin.on('error', () => undefined); // a psql that ended says why through its exit
  return linesOf(stdout, LINE_LIMIT, tooLarge);
}

function failure(end: SilentEnd): StateError {
  const refusal = engineRefusal(end);
  const isElsewhere = /no such container/i.test(end.stderr);
  return new StateError({
    kind: 'failed',
    code: 'database.query-failed',
    what: "Coolify's database did not answer",
    why: lastLines(end.stderr, 3) || lastLines(refusal ?? '', 1) || `psql ended with status ${end.code}`,
    next: isElsewhere
      ? 'find its container with "docker ps -a" on the host, and name it with coolify_database_container'
      : refusal === undefined
        ? 'look at "docker logs coolify-db" on the host'
        : 'look at "journalctl -u docker" on the host: the engine could not start psql in the container',
  });
}

function tooLarge(): StateError {
  return new StateError({
    kind: 'failed',
    code: 'database.answer-too-large',
    what: "Coolify's database answered more than it can hold",
    why: `a line has more than ${LINE_LIMIT} bytes, or an answer more than ${ANSWER_LIMIT}`,
    next: 'look at the container coolify-db on the host: is psql there the real one?',
  });
}
