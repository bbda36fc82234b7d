import { spawn } from 'node:child_process';

/** An answer to the next question whose text holds `question`. */
export interface Answer {
  readonly question: string;
  readonly answer: string;
}

export interface Session {
  readonly status: number | null;
  /** All that stood on the terminal, without the sequences that move its cursor. */
  readonly screen: string;
  /** Answers that nobody asked for. */
  readonly left: readonly Answer[];
}

/**
 * Runs a shell command on a terminal of its own (`script` of util-linux), as a person sees it: each answer is typed when
 * its question stands there, never before.
 */
export function onTerminal(
  command: string,
  answers: readonly Answer[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Session> {
  return new Promise((resolved, reject) => {
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd,
      env: { ...env, TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const left = [...answers];
    let screen = '';
    let since = 0;
    const look = (chunk: Buffer): void => {
      screen += withoutSequences(chunk.toString());
      const [next] = left;
      const asked = screen.slice(since);
      if (next === undefined || !asked.includes(next.question) || !/: $/.test(asked)) return;
      left.shift();
      since = screen.length;
      child.stdin.write(`${next.answer}\r`);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.stdin.on('error', () => undefined);
    child.on('error', (error) =>
      reject(new Error('the program "script" is needed (Debian: bsdutils)', { cause: error })),
    );
    child.on('close', (status) => resolved({ status, screen, left }));
  });
}

/** From ESC and a bracket up to a letter. */
const SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

function withoutSequences(text: string): string {
  return text.replace(SEQUENCE, '').replaceAll('\r\n', '\n');
}
