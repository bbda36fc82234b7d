import { StateError } from '../core/errors.js';
import { string, uint32, WireReader } from '../core/ssh-wire.js';

/**
 * The messages of an SSH agent (draft-ietf-sshm-ssh-agent) that a client needs: what keys are there, and sign this.
 * Answers come from another program and are read as such.
 */

export interface AgentKey {
  /** `ssh-ed25519`, `ssh-rsa-cert-v01@openssh.com`, ... */
  readonly type: string;
  /** Public key in wire form, the type included. */
  readonly blob: Buffer;
  readonly comment: string;
}

export function identitiesRequest(): Buffer {
  return message(Buffer.from([REQUEST_IDENTITIES]));
}

/** `hash` matters for RSA keys alone: without it their signature would be one with SHA-1. */
export function signRequest(blob: Buffer, data: Buffer, hash: string | undefined): Buffer {
  const flags = hash === 'sha256' ? RSA_SHA2_256 : hash === 'sha512' ? RSA_SHA2_512 : 0;
  return message(Buffer.concat([Buffer.from([SIGN_REQUEST]), string(blob), string(data), uint32(flags)]));
}

/**
 * The message that `received` begins with, without its length; undefined while it is not complete.
 * @throws StateError `ssh.agent-answer` when it is too long to be one
 */
export function completeMessage(received: Buffer): Buffer | undefined {
  if (received.length < 4) return undefined;
  const length = received.readUInt32BE(0);
  if (length === 0 || length > MESSAGE_LIMIT) throw nonsense('it does not speak the protocol of an agent');
  return received.length < 4 + length ? undefined : received.subarray(4, 4 + length);
}

/** @throws StateError `ssh.agent-answer` */
export function readIdentities(answer: Buffer): AgentKey[] {
  const reader = expectType(answer, IDENTITIES_ANSWER, 'it does not tell its keys');
  const count = reader.uint32();
  if (count === undefined) throw nonsense(CUT_SHORT);
  const keys: AgentKey[] = [];
  for (let index = 0; index < count; index += 1) {
    const blob = reader.string();
    const comment = reader.string();
    if (blob === undefined || comment === undefined) throw nonsense(CUT_SHORT);
    const type = new WireReader(blob).text();
    // A key without a type is none that could be offered to anybody.
    if (type !== undefined) keys.push({ type, blob, comment: comment.toString('utf8') });
  }
  return keys;
}

/**
 * The signature alone, as ssh2 wants it: without the name of its algorithm, which is checked instead. Agents that
 * know nothing of RSA with SHA-2 sign with SHA-1 whatever they are asked, which no current server takes.
 * @throws StateError `ssh.agent-refused`, `ssh.agent-answer`
 */
export function readSignature(answer: Buffer, keyType: string, hash: string | undefined): Buffer {
  const reader = expectType(answer, SIGN_RESPONSE, 'it does not sign');
  const whole = reader.string();
  const signature = whole && new WireReader(whole);
  const algorithm = signature?.text();
  const value = signature?.string();
  if (algorithm === undefined || value === undefined) throw nonsense(CUT_SHORT);
  const wanted = keyType === 'ssh-rsa' && hash !== undefined ? RSA_ALGORITHMS[hash] : keyType;
  if (wanted !== undefined && algorithm !== wanted) {
    throw nonsense(`it was asked to sign by ${wanted} and signs otherwise`);
  }
  return value;
}

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const FAILURE: readonly number[] = [5, 30, 102];
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;
const RSA_ALGORITHMS: Readonly<Record<string, string>> = {
  sha1: 'ssh-rsa',
  sha256: 'rsa-sha2-256',
  sha512: 'rsa-sha2-512',
};
/** As OpenSSH's own client. */
const MESSAGE_LIMIT = 256 * 1024;
const CUT_SHORT = 'its answer is cut short';

function message(payload: Buffer): Buffer {
  return string(payload);
}

function expectType(answer: Buffer, type: number, why: string): WireReader {
  const reader = new WireReader(answer);
  const actual = reader.byte();
  if (actual === type) return reader;
  if (actual !== undefined && FAILURE.includes(actual)) {
    throw agentFailure('ssh.agent-refused', 'The SSH agent refuses', why);
  }
  throw nonsense('its answer is of another kind than the question');
}

function nonsense(why: string): StateError {
  return agentFailure('ssh.agent-answer', 'The SSH agent answers what cannot be used', why);
}

export function agentFailure(code: string, what: string, why: string, cause?: unknown): StateError {
  return new StateError({
    kind: 'failed',
    code,
    what,
    why,
    next: 'see whether "ssh-add -l" lists your keys, or name a key with ansible_ssh_private_key_file',
    ...(cause !== undefined && { cause }),
  });
}
