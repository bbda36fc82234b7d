import { randomBytes } from 'node:crypto';
import { createInterface, type Interface } from 'node:readline';
import { StateError } from '../core/errors.js';
import { lastLines } from '../core/terminal-text.js';
import type { Connection, RemoteProcess } from '../ssh/connection.js';
import { type DatabaseAccess, psql } from './database-commands.js';
import { type InputLine, VALUE } from './host-command.js';

const ANSWER_END = 'end-of-answer-';

/** The lines that `DatabaseSession.query` sends to psql for a statement. */
export function statementLines(sql: string): InputLine[] {
  return [...sql.split('\n'), { text: `\\echo ${ANSWER_END}${VALUE}`, value: 'hex' }];
}

/**
 * One psql on the host, fed through its standard input: statements and values never stand in a command line.
 * Statements run one after another; each answer is a list of lines (unaligned, tuples only).
 */
export class DatabaseSession implements AsyncDisposable {
  readonly #process: RemoteProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(process: RemoteProcess) {
    this.#process = process;
    this.#reader = createInterface({ input: process.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    process.stdin.on('error', () => undefined); // a psql that ended says why through its exit
  }

  static async open(
    connection: Connection,
    access: DatabaseAccess,
    signal: AbortSignal,
  ): Promise<DatabaseSession> {
    return new DatabaseSession(await connection.open(psql(access), { signal }));
  }

  /**
   * Runs SQL text (one or more statements, psql's `\\gexec` included) and returns the lines of its answer.
   * @throws StateError `database.query-failed` with what PostgreSQL said.
   */
  async query(sql: string): Promise<string[]> {
    const marker = `${ANSWER_END}${randomBytes(9).toString('hex')}`;
    this.#process.stdin.write(`${sql}\n\\echo ${marker}\n`);
    const answer: string[] = [];
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true) throw await this.#failure();
      if (value === marker) return answer;
      answer.push(value);
    }
  }

  /** The only value of an answer of one line. */
  async value(sql: string): Promise<string> {
    return (await this.query(sql)).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await this.#process.done.catch(() => undefined);
    this.#reader.close();
  }

  async #failure(): Promise<StateError> {
    const { code, stderr } = await this.#process.done;
    return new StateError({
      kind: 'failed',
      code: 'database.query-failed',
      what: "Coolify's database did not answer",
      why: lastLines(stderr, 3) || `psql ended with status ${code}`,
      next: 'look at "docker logs coolify-db" on the host',
    });
  }
}
