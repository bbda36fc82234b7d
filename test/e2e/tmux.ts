import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SETTINGS = join(import.meta.dirname, '../data/terminal/tmux.conf');

export interface Window {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal that tmux draws, in which one shell command runs. What stands on it can be read at any time. */
export class RecordedTerminal implements AsyncDisposable {
  private constructor(readonly socket: string) {}

  static async open(
    command: string,
    { columns, rows }: Window,
    { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ): Promise<RecordedTerminal> {
    const socket = `coolify-state-${randomUUID()}`;
    // The screen is kept as the command left it, its status below.
    const kept = `${command}; printf 'exit status %s\\n' "$?"; exec cat`;
    await run(
      'tmux',
      [
        ...['-L', socket, '-f', SETTINGS, '-u'],
        ...['new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', cwd, kept],
      ],
      // No session of whoever runs the tests is joined.
      { env: { ...env, TMUX: '' } },
    ).catch((error: unknown) => {
      throw new Error('tmux is needed and did not start (docker/programs.sh installs it)', { cause: error });
    });
    return new RecordedTerminal(socket);
  }

  /** The lines that stand in the window now. */
  screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p');
  }

  /** All that was ever written and not drawn over, with the sequences for colors. */
  async everything({ colors = false } = {}): Promise<string> {
    return await this.#tmux('capture-pane', '-p', '-J', '-S', '-', ...(colors ? ['-e'] : []));
  }

  async resize({ columns, rows }: Window): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The window as soon as it looks so; fails with the last look when it does not within the time. */
  async until(looks: (screen: string) => boolean, seconds = 120): Promise<string> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const screen = await this.screen();
      if (looks(screen)) return screen;
      if (Date.now() > deadline) throw new Error(`the terminal never looked as was waited for:\n${screen}`);
      await sleep(100);
    }
  }

  /** All that stands there when the command has ended. */
  async ended(seconds?: number): Promise<string> {
    await this.until((screen) => /^exit status \d+$/m.test(screen), seconds);
    return await this.everything();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-L', this.socket, '-u', ...args]);
    return stdout;
  }
}
