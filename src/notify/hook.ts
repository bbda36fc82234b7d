import { spawn } from 'node:child_process';
import { messageOf, StateError } from '../core/errors.js';
import { lastLines } from '../core/terminal-text.js';

/** When a hook runs. */
export type HookMoment = 'before' | 'after' | 'failure';

export interface HookCall {
  readonly moment: HookMoment;
  /** A command line for `sh`, as the inventory has it. */
  readonly command: string;
  /** Facts by name; they become `COOLIFY_STATE_<NAME>` in the hook's environment. */
  readonly facts: Readonly<Record<string, string>>;
  /** What the hook reads as JSON on its standard input. */
  readonly data: object;
  /** What it prints, line by line. */
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 10 * 60_000;
const KEPT_OUTPUT = 64 * 1024;

/** Secrets of this program, which are no business of a hook. */
const PRIVATE = /^(?:HETZNER_S3_|AWS_SECRET|AWS_SESSION|COOLIFY_STATE_KEY_PASSPHRASE|CREDENTIALS_DIRECTORY)/;

/**
 * Runs a hook of the inventory on this machine, in a process group of its own, which is ended as a whole.
 *
 * @throws StateError `hook.failed` when it ends with another status than 0 or takes longer than ten minutes
 */
export async function runHook({ moment, command, facts, data, onLine, signal }: HookCall): Promise<void> {
  signal?.throwIfAborted();
  const own = Object.entries(process.env).filter(([name]) => !PRIVATE.test(name));
  const told = Object.entries(facts).map(([name, value]) => [`COOLIFY_STATE_${name}`, value]);
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: Object.fromEntries([...own, ...told]),
    detached: true,
  });
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null) killGroup(child.pid);
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, TIMEOUT_MS);
  signal?.addEventListener('abort', end, { once: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT);
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-KEPT_OUTPUT);
      for (const line of lines) onLine(line);
    });
  }
  // A hook that does not read is no failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${JSON.stringify({ moment, ...data })}\n`);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    signal?.throwIfAborted();
    if (status !== 0) {
      const why = late
        ? 'it took longer than ten minutes'
        : `it ended with status ${status ?? 'of a signal'}`;
      throw failed(moment, [why, lastLines(output, 3)].filter((text) => text !== '').join(': '));
    }
  } catch (error) {
    if (error instanceof StateError || signal?.aborted === true) throw error;
    throw failed(moment, messageOf(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}

function failed(moment: HookMoment, why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'hook.failed',
    what: `The hook coolify_hook_${moment} failed`,
    why,
    next: 'run the command by hand; what it is given is described in docs/unattended.md',
  });
}
