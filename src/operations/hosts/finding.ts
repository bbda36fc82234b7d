import { asStateError, EXIT_STATUS, type FailureKind, type StateError } from '../../core/errors.js';

/** `skipped`: it could not be looked at, because of something else that is told. */
export type Verdict = 'ok' | 'warning' | 'bad' | 'skipped';

/** One thing that was looked at, on this machine, on a host or in a repository. Holds no secret. */
export interface Finding {
  /** Stable and dotted, for machines: `connection.login`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** One sentence without a full stop. */
  readonly what: string;
  /** How to mend it; every warning and everything bad has one. */
  readonly fix?: string;
  readonly host?: string;
  /** Of what is bad: decides the exit status. */
  readonly kind?: FailureKind;
  /** Of what is bad: the code of the error. */
  readonly code?: string;
}

export function fine(check: string, what: string): Finding {
  return { check, verdict: 'ok', what };
}

export function warning(check: string, what: string, fix: string): Finding {
  return { check, verdict: 'warning', what, fix };
}

export function skipped(check: string, what: string, fix?: string): Finding {
  return { check, verdict: 'skipped', what, ...(fix !== undefined && { fix }) };
}

/** What an error says, as a finding. */
export function bad(check: string, error: StateError): Finding {
  const { what, why, next, kind, code } = error;
  return {
    check,
    verdict: 'bad',
    what: why === undefined ? what : `${what}: ${why}`,
    fix: next ?? 'correct what the sentence names',
    kind,
    code,
  };
}

/**
 * Looks at something; whatever goes wrong becomes a finding.
 * @throws StateError `interrupted`: the signal's reason, which ends the whole
 */
export async function looking(
  check: string,
  signal: AbortSignal,
  look: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    signal.throwIfAborted();
    return await look();
  } catch (thrown) {
    signal.throwIfAborted();
    return [bad(check, asStateError(thrown, 'It could not be looked at'))];
  }
}

/** The documented exit status: by the worst finding; warnings alone are none. */
export function findingsStatus(findings: readonly Finding[]): number {
  const kinds = findings.flatMap(({ verdict, kind }) => (verdict === 'bad' ? [kind ?? 'failed'] : []));
  return Math.max(0, ...kinds.map((kind) => EXIT_STATUS[kind]));
}
