/**
 * The closed family of errors. Foreign errors are wrapped once, at the border where they appear, with `cause`.
 * What a person reads is composed from these facts in one place (`src/cli/render-error.ts`).
 */

/** What went wrong, as the caller of the program has to tell it apart. Decides the exit status. */
export type FailureKind = 'failed' | 'usage' | 'unreachable' | 'proof' | 'locked' | 'interrupted';

/** Documented exit statuses. With several hosts the highest that applies wins. */
export const EXIT_STATUS: Readonly<Record<FailureKind, number>> = {
  failed: 1,
  usage: 2,
  unreachable: 3,
  proof: 4,
  locked: 5,
  interrupted: 130,
};

export interface FailureFacts {
  readonly kind: FailureKind;
  /** Stable, dotted, for machines: `ssh.host-key-unknown`. */
  readonly code: string;
  /** One sentence without a full stop: what could not be done. */
  readonly what: string;
  /** Why, as far as is known. */
  readonly why?: string;
  /** What the reader can do next: a command, or a thing to look at. */
  readonly next?: string;
  /** Inventory name of the host concerned. */
  readonly host?: string;
  /** Last lines of a remote command's output, or other material. Never a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** The one error class. `code` and `kind` are the stable interface; the sentences may be improved. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly kind: FailureKind;
  readonly code: string;
  readonly what: string;
  readonly why: string | undefined;
  readonly next: string | undefined;
  readonly host: string | undefined;
  readonly detail: string | undefined;

  constructor(facts: FailureFacts) {
    super(
      facts.why === undefined ? facts.what : `${facts.what}: ${facts.why}`,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.kind = facts.kind;
    this.code = facts.code;
    this.what = facts.what;
    this.why = facts.why;
    this.next = facts.next;
    this.host = facts.host;
    this.detail = facts.detail;
  }

  get exitStatus(): number {
    return EXIT_STATUS[this.kind];
  }

  /** The same error, said of a host. Keeps a host that is already named. */
  onHost(host: string): StateError {
    return this.host === undefined ? new StateError({ ...this.facts(), host }) : this;
  }

  facts(): FailureFacts {
    const { kind, code, what, why, next, host, detail, cause } = this;
    return {
      kind,
      code,
      what,
      ...(why !== undefined && { why }),
      ...(next !== undefined && { next }),
      ...(host !== undefined && { host }),
      ...(detail !== undefined && { detail }),
      ...(cause !== undefined && { cause }),
    };
  }

  /** The same facts without the cause, which can hold anything. */
  toJSON(): Omit<FailureFacts, 'cause'> {
    const { cause: _cause, ...facts } = this.facts();
    return facts;
  }
}

/** Wraps whatever was thrown; an error of ours passes unchanged, an abort becomes `interrupted`. */
export function asStateError(thrown: unknown, what: string): StateError {
  if (thrown instanceof StateError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return thrown.cause instanceof StateError ? thrown.cause : interrupted(thrown);
  }
  const errno = errnoOf(thrown) ?? '';
  if (REFUSALS.has(errno)) return systemRefused(thrown, errno, what);
  return new StateError({
    kind: 'failed',
    code: 'unexpected',
    what,
    why: messageOf(thrown),
    next: UNEXPECTED,
    cause: thrown,
  });
}

/** What this machine's system may refuse anybody, anywhere; what has a sentence of its own does not come here. */
const REFUSALS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

function systemRefused(thrown: unknown, errno: string, what: string): StateError {
  const isFull = errno === 'ENOSPC' || errno === 'EDQUOT';
  const isDisk = errno === 'EROFS' || errno === 'EIO';
  const isForbidden = errno === 'EACCES' || errno === 'EPERM';
  return new StateError({
    kind: 'failed',
    code: 'system.refused',
    what,
    // The system's own words name the call and the path.
    why: messageOf(thrown),
    next: isFull
      ? 'make room on this machine, on the disk with that path'
      : isDisk
        ? 'see in "dmesg" whether the disk has failed; otherwise mount it for writing'
        : isForbidden
          ? 'see with "ls -ld" whose that path is: a run as root leaves files that only root may change'
          : 'raise the limit of open files ("ulimit -n"), or work on fewer hosts at once (--forks)',
    cause: thrown,
  });
}

const UNEXPECTED =
  'this should not happen: run it with COOLIFY_STATE_DEBUG=1 in the environment, and report what it says';

const AGAIN = 'run the same command again: what was under way is completed or begun anew';

export function interrupted(cause?: unknown): StateError {
  return new StateError({
    kind: 'interrupted',
    code: 'interrupted',
    what: 'Interrupted',
    next: AGAIN,
    cause,
  });
}

/** The message of anything that can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` that Node and libraries put on errors (`ENOENT`), if there is one. */
export function errnoOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return undefined;
}
