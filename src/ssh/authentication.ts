import type { AuthHandlerMiddleware, KeyboardInteractiveAuthMethod } from 'ssh2';
import { OneKeyAgent } from './agent.js';
import type { Endpoint } from './endpoint.js';
import type { FoundIdentities, Identity } from './identities.js';

/** How far logging in came: what was tried, and what the server would take. */
export interface AuthenticationLog {
  /** One line for each key or method, with its outcome where it is known. */
  readonly tried: string[];
  /** Methods the server named last; empty while it has named none. */
  accepted: readonly string[];
  /** The attempt under way, which is the one that succeeded once the server lets us in. */
  current: string;
}

/**
 * Tries the keys one by one, then the password, by each of its methods. `onExhausted` is called instead of handing
 * ssh2 anything further: its own error says less than the log.
 */
export function authenticator(
  { user: username, password }: Pick<Endpoint, 'user' | 'password'>,
  { identities, skipped }: FoundIdentities,
  onExhausted: () => void,
): { readonly handler: AuthHandlerMiddleware; readonly log: AuthenticationLog } {
  const log: AuthenticationLog = { tried: [...skipped], accepted: [], current: 'none' };
  const keys: Identity[] = [...identities];
  const passwordMethods = password === undefined ? [] : ['password', 'keyboard-interactive'];
  let asked = false;

  const handler: AuthHandlerMiddleware = (methodsLeft: readonly string[] | null, _partial, next) => {
    if (methodsLeft !== null) log.accepted = methodsLeft;
    // ssh2 does not tell the methods after a key was refused: an empty list means "not known".
    const takes = (method: string): boolean => log.accepted.length === 0 || log.accepted.includes(method);

    const identity = takes('publickey') ? keys.shift() : undefined;
    if (identity) {
      const index = log.tried.push(`${identity.label}: refused`) - 1;
      log.current = identity.label;
      const agent = new OneKeyAgent(identity, (why) => {
        log.tried[index] = `${identity.label}: ${why}`;
      });
      next({ type: 'agent', username, agent });
      return;
    }
    for (let method = passwordMethods.shift(); method !== undefined; method = passwordMethods.shift()) {
      if (password === undefined || !takes(method)) continue;
      log.tried.push(`${method}: refused`);
      log.current = method;
      if (method === 'password') next({ type: 'password', username, password: password.reveal() });
      else next(keyboardInteractive(username, password.reveal()));
      return;
    }
    if (log.accepted.length === 0 && !asked) {
      asked = true;
      next({ type: 'none', username });
      return;
    }
    onExhausted();
  };
  return { handler, log };
}

/** Answers what is asked without echo with the password; other questions get nothing. */
function keyboardInteractive(username: string, password: string): KeyboardInteractiveAuthMethod {
  return {
    type: 'keyboard-interactive',
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      finish(prompts.map(({ echo }) => (echo === true ? '' : password)));
    },
  };
}
