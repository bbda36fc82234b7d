import { describe, expect, it } from 'vitest';
import { mergeAuthorizedKeys } from '../../../src/coolify/restore/authorized-keys.js';
import { sshFingerprint } from '../../../src/core/ssh-fingerprint.js';

/** A line with a key blob of its own; what stands in it is not looked at. */
const blob = (name: string): string =>
  Buffer.from(`\0\0\0\x0bssh-ed25519${name.padEnd(32, '.')}`).toString('base64');
const line = (name: string, comment: string): string => `ssh-ed25519 ${blob(name)} ${comment}`;
const fingerprint = (name: string): string => sshFingerprint(Buffer.from(blob(name), 'base64'));

const SNAPSHOT = `${line('restored', 'coolify')}\n${line('admin', 'admin@home')}\n`;

describe('authorized_keys of a target', () => {
  it('begins with the lines of the snapshot and keeps those of its own admins', () => {
    const before = `${line('night', 'on-call admin')}\n`;
    expect(mergeAuthorizedKeys(SNAPSHOT, before, before)).toBe(`${SNAPSHOT}${before}`);
  });

  it("loses the installer's line for the key that the replaced instance used for its own host", () => {
    const before = `${line('former', 'coolify')}\n${line('night', 'on-call admin')}\n`;
    expect(mergeAuthorizedKeys(SNAPSHOT, before, before, [fingerprint('former')])).toBe(
      `${SNAPSHOT}${line('night', 'on-call admin')}\n`,
    );
  });

  it('keeps such a line where it is not known whose key it is', () => {
    const before = `${line('former', 'coolify')}\n`;
    expect(mergeAuthorizedKeys(SNAPSHOT, before, before)).toContain(line('former', 'coolify'));
  });

  it("keeps an admin's line also for a key that the replaced instance used", () => {
    const before = `from="192.0.2.1" ${line('former', 'coolify')}\n`;
    expect(mergeAuthorizedKeys(SNAPSHOT, before, before, [fingerprint('former')])).toContain(before.trim());
  });
});
