import { describe, expect, it } from 'vitest';
import { plainProgress } from '../../../src/cli/progress.js';
import { renderError } from '../../../src/cli/render-error.js';
import { StateError } from '../../../src/core/errors.js';
import { protocolNews } from '../../../src/ssh/connection-news.js';

const command = new StateError({
  kind: 'failed',
  code: 'ssh.command-failed',
  what: 'A command failed on web1: docker ps',
  why: 'exit status 1',
  detail: 'permission denied\n\u001b[2Jtry sudo',
  cause: new Error('a library that tells passwords'),
});
const error = new StateError({
  kind: 'failed',
  code: 'host.no-docker',
  host: 'web1',
  what: 'No Docker engine answers on the host',
  next: 'start it',
  cause: command,
});

describe('an error', () => {
  it('says what failed, where, why, what to do next and its code', () => {
    expect(renderError(error)).toBe(
      'error [web1]: No Docker engine answers on the host\n  next: start it\n  code: host.no-docker',
    );
  });

  it('with -v has the command it came from and what that said, and nothing of foreign errors', () => {
    expect(renderError(error, { verbose: 1 })).toBe(
      [
        'error [web1]: No Docker engine answers on the host',
        '  from: A command failed on web1: docker ps: exit status 1',
        '  | permission denied',
        '  | \\x1b[2Jtry sudo',
        '  next: start it',
        '  code: host.no-docker',
      ].join('\n'),
    );
  });

  it('has a stack only where that was asked for', () => {
    expect(renderError(error, { verbose: 2 })).not.toMatch(/^\s+at /m);
    expect(renderError(error, { debug: true })).toMatch(/^\s+at /m);
    expect(renderError(error, { debug: true })).toContain('caused by Error');
    expect(renderError(error, { debug: true })).not.toContain('passwords');
  });

  it('as JSON has the same facts, without causes', () => {
    expect(JSON.parse(JSON.stringify({ error }))).toEqual({
      error: {
        kind: 'failed',
        code: 'host.no-docker',
        host: 'web1',
        what: 'No Docker engine answers on the host',
        next: 'start it',
      },
    });
  });
});

describe('the protocol', () => {
  const trace = protocolNews({
    type: 'handshake',
    cipher: 'aes256-gcm@openssh.com',
    keyExchange: 'curve25519-sha256',
    native: true,
  });

  it.each([
    [0, []],
    [1, []],
    [2, ['web1  ssh      key exchange curve25519-sha256, cipher aes256-gcm@openssh.com']],
  ])('is told with -vv only (%i)', (verbose, lines) => {
    const said: string[] = [];
    const emit = plainProgress(
      { out: () => undefined, err: (text) => said.push(text) },
      { verbose, diff: false },
    );
    emit({ type: 'task-progress', host: 'web1', task: 'connect', ...(trace !== undefined && { trace }) });
    expect(said).toEqual(lines);
  });

  it('cannot write to the terminal', () => {
    const said: string[] = [];
    const emit = plainProgress(
      { out: () => undefined, err: (text) => said.push(text) },
      { verbose: 2, diff: false },
    );
    const banner = protocolNews({ type: 'banner', text: 'keep out\u001b[2J\n' });
    emit({
      type: 'task-progress',
      host: 'web1',
      task: 'connect',
      ...(banner !== undefined && { trace: banner }),
    });
    expect(said).toEqual(['web1  ssh      the server says: keep out\\x1b[2J']);
  });
});
