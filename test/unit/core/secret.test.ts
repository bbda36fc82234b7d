import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { asStateError, StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { lastLines, printable } from '../../../src/core/terminal-text.js';

describe('Secret', () => {
  const secret = new Secret('hunter2');

  it('shows itself nowhere but through reveal', () => {
    const shown = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
    ];
    for (const text of shown) expect(text).not.toContain('hunter2');
    expect(secret.reveal()).toBe('hunter2');
  });
});

describe('StateError', () => {
  it('keeps the host it names, and takes one when it names none', () => {
    const bare = new StateError({ kind: 'failed', code: 'x.y', what: 'It broke', why: 'old age' });
    expect(bare.onHost('a').host).toBe('a');
    expect(bare.onHost('a').onHost('b').host).toBe('a');
    expect(bare.onHost('a').message).toBe('It broke: old age');
  });

  it('has the documented exit statuses', () => {
    const kinds = ['failed', 'usage', 'unreachable', 'proof', 'locked', 'interrupted'] as const;
    expect(kinds.map((kind) => new StateError({ kind, code: 'x.y', what: 'x' }).exitStatus)).toEqual([
      1, 2, 3, 4, 5, 130,
    ]);
  });

  it('wraps what is foreign and passes its own', () => {
    const own = new StateError({ kind: 'proof', code: 'x.y', what: 'x' });
    expect(asStateError(own, 'y')).toBe(own);
    const foreign = asStateError(new TypeError('boom'), 'It broke');
    expect([foreign.code, foreign.message]).toEqual(['unexpected', 'It broke: boom']);
    const abort = new DOMException('aborted', 'AbortError');
    expect(asStateError(abort, 'y').kind).toBe('interrupted');
  });
});

describe('printable', () => {
  it('lets no control character or direction override through', () => {
    expect(printable('a\u001b[31mb\u202e\u0007\n')).toBe('a\\x1b[31mb\\u{202e}\\x07\\x0a');
    expect(printable('a\n\tb\u001b', { multiline: true })).toBe('a\n\tb\\x1b');
  });

  it('keeps the last lines that say something', () => {
    expect(lastLines('a\n\nb\r\nc\n', 2)).toBe('b\nc');
  });
});
