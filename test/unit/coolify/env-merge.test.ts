import { describe, expect, it } from 'vitest';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { heldStill, letGoEnv, mergeEnv } from '../../../src/coolify/env-merge.js';

describe('an environment in which Coolify is held still', () => {
  it('has both switches as Coolify itself looks for them, and everything else as it was', () => {
    const text = '# ours\nAPP_KEY="base64:x="\nHORIZON_ENABLED=true\n\nAPP_NAME=a\n';
    expect(heldStill(EnvFile.parse(text)).toString()).toBe(
      '# ours\nAPP_KEY="base64:x="\nHORIZON_ENABLED=false\n\nAPP_NAME=a\nSCHEDULER_ENABLED=false\n',
    );
  });

  it('is the same when it is held still again', () => {
    const once = heldStill(EnvFile.parse('APP_KEY=k\n'));
    expect(heldStill(once).toString()).toBe(once.toString());
  });
});

describe('a merge into an environment that a broken-off restore held still', () => {
  const held = heldStill(EnvFile.parse('DB_PASSWORD=own\nAPP_KEY=old\n'));

  it('drops the switches that the snapshot does not have', () => {
    expect(mergeEnv(EnvFile.parse('DB_PASSWORD=theirs\nAPP_KEY=new\n'), held).toString()).toBe(
      'DB_PASSWORD=own\nAPP_KEY=new\n',
    );
  });

  it('takes the switches of the snapshot where it has its own', () => {
    const snapshot = EnvFile.parse('APP_KEY=new\nSCHEDULER_ENABLED=true\nHORIZON_ENABLED=false\n');
    const merged = mergeEnv(snapshot, held);
    expect(merged.get('SCHEDULER_ENABLED')).toBe('true');
    expect(merged.get('HORIZON_ENABLED')).toBe('false');
  });
});

describe("a target's own settings, when Coolify is let go", () => {
  const fileOf = (text: string) => ({ content: Buffer.from(text), env: EnvFile.parse(text) });
  const kept = fileOf('B=1\nA=2\nHORIZON_ENABLED=true\n');

  it('are what they were before, to the byte', () => {
    const held = fileOf(heldStill(kept.env).toString());
    expect(letGoEnv(held, kept).content.toString()).toBe('B=1\nA=2\nHORIZON_ENABLED=true\n');
  });

  it('keep what somebody has changed meanwhile', () => {
    const changed = fileOf('B=1\nA=3\nHORIZON_ENABLED=false\nSCHEDULER_ENABLED=false\n');
    expect(letGoEnv(changed, kept).content.toString()).toBe('B=1\nA=3\nHORIZON_ENABLED=true\n');
  });
});
