import type { AuthHandlerMiddleware, KeyboardInteractiveAuthMethod } from 'ssh2';
import type { Secret } from '../core/secret.js';
import { OneKeyAgent } from './agent.js';
import type { AuthenticationMethod, Endpoint } from './endpoint.js';
import type { FoundIdentities, Identity } from './identities.js';

/** How far logging in came: what was tried, and what the server would take. */
export interface AuthenticationLog {
  /** One line for each key or method, with its outcome where it is known. */
  readonly tried: string[];
  /** Methods the server named last; empty while it has named none. */
  accepted: readonly string[];
  /** The attempt under way, which is the one that succeeded once the server lets us in. */
  current: string;
  /** Whether the server has got a password. */
  passwordSent: boolean;
  /** What the server said before it let us in or did not, last. As it wrote it. */
  banner: string;
}

/**
 * Tries the keys one by one, then the password, by each of its methods, or in the order that the endpoint names.
 * `onExhausted` is called instead of handing ssh2 anything further: its own error says less than the log.
 */
export function authenticator(
  { user: username, password, methods = METHODS }: Pick<Endpoint, 'user' | 'password' | 'methods'>,
  { identities, skipped }: FoundIdentities,
  onExhausted: () => void,
): { readonly handler: AuthHandlerMiddleware; readonly log: AuthenticationLog } {
  const log: AuthenticationLog = {
    tried: [...skipped],
    accepted: [],
    current: 'none',
    passwordSent: false,
    banner: '',
  };
  const attempts = methods.flatMap((method): Attempt[] => {
    if (method === 'publickey') return identities.map((identity) => ({ method, identity }));
    return password === undefined ? [] : [{ method, password }];
  });
  for (const method of METHODS) {
    const possible = method === 'publickey' ? identities.length > 0 : password !== undefined;
    if (possible && !methods.includes(method))
      log.tried.push(`${method}: left out by the configuration of ssh`);
  }
  let asked = false;

  const handler: AuthHandlerMiddleware = (methodsLeft: readonly string[] | null, partial, next) => {
    if (methodsLeft !== null) log.accepted = methodsLeft;
    if (partial === true) log.tried.push(`${log.current}: accepted, and the server wants more`);
    // ssh2 does not tell the methods after a key was refused: an empty list means "not known".
    const takes = (method: string): boolean => log.accepted.length === 0 || log.accepted.includes(method);

    const at = attempts.findIndex(({ method }) => takes(method));
    const attempt = at < 0 ? undefined : attempts.splice(at, 1)[0];
    if (attempt?.method === 'publickey') {
      const { identity } = attempt;
      const index = log.tried.push(`${identity.label}: refused`) - 1;
      log.current = identity.label;
      const agent = new OneKeyAgent(identity, (why) => {
        log.tried[index] = `${identity.label}: ${why}`;
      });
      next({ type: 'agent', username, agent });
      return;
    }
    if (attempt !== undefined) {
      const { method } = attempt;
      const index = log.tried.push(`${method}: refused`) - 1;
      log.current = method;
      log.passwordSent = true;
      if (method === 'password') next({ type: 'password', username, password: attempt.password.reveal() });
      else {
        const onQuestion = (question: string): void => {
          log.tried[index] = `${method}: it asks "${question}", which is not answered`;
        };
        next(keyboardInteractive(username, attempt.password.reveal(), onQuestion));
      }
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

type Attempt =
  | { readonly method: 'publickey'; readonly identity: Identity }
  | { readonly method: 'password' | 'keyboard-interactive'; readonly password: Secret };

const METHODS: readonly AuthenticationMethod[] = ['publickey', 'password', 'keyboard-interactive'];

/**
 * Answers the first thing that is asked without echo with the password. Whatever comes after that is something else
 * (a code, a new password): it gets nothing, and is told.
 */
function keyboardInteractive(
  username: string,
  password: string,
  onQuestion: (question: string) => void,
): KeyboardInteractiveAuthMethod {
  let answered = false;
  return {
    type: 'keyboard-interactive',
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      finish(
        prompts.map(({ prompt, echo }) => {
          if (echo !== true && !answered) {
            answered = true;
            return password;
          }
          onQuestion(prompt.trim().slice(0, 80));
          return '';
        }),
      );
    },
  };
}
