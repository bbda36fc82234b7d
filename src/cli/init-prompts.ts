import { createInterface } from 'node:readline/promises';
import { interrupted, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { ConfirmHostKey } from '../operations/doctor/check-connection.js';
import type { Ask, Question } from '../operations/init/answers.js';

/** Asks on the terminal; undefined where there is none, or where nobody is to be asked. */
export function askOnTerminal(yes: boolean, signal: AbortSignal): Ask {
  if (yes) return undefined;
  return (question) => ask(question, signal);
}

/**
 * Decides about an unknown host key: by the fingerprint that a flag named, or by a person who saw it.
 * @throws StateError `init.host-key-other`, `init.host-key-unknown`
 */
export function hostKeyQuestion(
  { accepted, yes }: { readonly accepted: string | undefined; readonly yes: boolean },
  signal: AbortSignal,
): ConfirmHostKey {
  return async ({ type, fingerprint }, { host, address, port }) => {
    if (accepted !== undefined) {
      if (normalised(accepted) === fingerprint) return true;
      throw new StateError({
        kind: 'unreachable',
        code: 'init.host-key-other',
        what: `The host key of ${host} is not the one of --accept-host-key`,
        why: `${address} port ${port} presents the ${type} key ${fingerprint}`,
        next: "compare it with the host's own: ssh-keygen -lf on its /etc/ssh/ssh_host_*_key.pub",
        host,
      });
    }
    if (yes || !process.stdin.isTTY) {
      throw new StateError({
        kind: 'unreachable',
        code: 'init.host-key-unknown',
        what: `The host key of ${host} is not known`,
        why: `${address} port ${port} presents the ${type} key ${fingerprint}`,
        next: `compare it with the host's own (ssh-keygen -lf on its /etc/ssh/ssh_host_*_key.pub), then add --accept-host-key ${fingerprint}`,
        host,
      });
    }
    const answer = await ask(
      {
        text: 'Is this its key? (yes, no, or the fingerprint that you expect)',
        help: [
          `${address} port ${port} is not known yet. It presents the ${type} key`,
          `  ${fingerprint}`,
          "Compare it with the host's own: ssh-keygen -lf on its /etc/ssh/ssh_host_*_key.pub, or its provider's console.",
        ],
      },
      signal,
    );
    return /^y(es)?$/i.test(answer) || normalised(answer) === fingerprint;
  };
}

async function ask({ text, help = [], fallback }: Question, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new StateError({
      kind: 'usage',
      code: 'cli.no-terminal',
      what: 'There is no terminal to ask on',
      next: 'give the answers as options and add --yes: coolify-state init root@HOST --repository PLACE --yes',
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<never>((_resolve, reject) => {
    prompt.once('close', () => reject(interrupted()));
    prompt.once('SIGINT', () => reject(interrupted()));
  });
  ended.catch(() => undefined);
  process.stderr.write(`\n${help.map((line) => `${printable(line)}\n`).join('')}`);
  const shown = fallback === undefined || fallback === '' ? '' : ` [${fallback}]`;
  try {
    for (;;) {
      const answer = (await Promise.race([prompt.question(`${text}${shown}: `, { signal }), ended])).trim();
      if (answer !== '' || fallback !== undefined) return answer === '' ? (fallback ?? '') : answer;
    }
  } finally {
    prompt.close();
  }
}

/** With or without the prefix and the padding. */
function normalised(fingerprint: string): string {
  return `SHA256:${fingerprint
    .trim()
    .replace(/^SHA256:/i, '')
    .replace(/={1,2}$/, '')}`;
}
