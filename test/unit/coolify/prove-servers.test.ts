import { describe, expect, it } from 'vitest';
import {
  type Answer,
  type Asked,
  isRefusal,
  judgeServers,
} from '../../../src/coolify/restore/prove-servers.js';
import { sshFromCoolify } from '../../../src/coolify/restore/ssh-from-coolify.js';

function server(name: string, answer: Answer, more: Partial<Asked> = {}): Asked {
  const at = { address: '192.0.2.1', port: 22, user: 'root', keyUuid: 'abc', keyName: 'fleet', worked: true };
  return { name, ...at, answer, says: answer, ...more };
}

describe('the verdict on what the servers of a restored instance answer', () => {
  it('is good when each key is accepted somewhere', () => {
    const { proofs, warnings } = judgeServers([server('a', 'accepted'), server('b', 'unreachable')]);
    expect(proofs).toEqual([
      {
        name: 'servers',
        ok: true,
        detail: '1 keys were accepted by 1 servers; not reached, and so not counted: b (unreachable)',
      },
    ]);
    expect(warnings).toEqual([]);
  });

  it('is good, and says so, when nothing can be reached', () => {
    const { proofs } = judgeServers([server('a', 'unreachable')], 3);
    expect(proofs[0]).toMatchObject({
      ok: true,
      detail: 'not reached, and so not counted: a (unreachable); 3 more were not asked',
    });
  });

  it('is bad when a key is refused by all that it belongs to', () => {
    const { proofs } = judgeServers([
      server('a', 'accepted'),
      server('b', 'refused', { keyUuid: 'other', keyName: 'old' }),
      server('c', 'unreachable', { keyUuid: 'other' }),
    ]);
    expect(proofs[0]?.ok).toBe(false);
    expect(proofs[0]?.detail).toContain('b (root@192.0.2.1 port 22) does not take the key "old"');
  });

  it('warns of a server that refuses a key which another one accepts', () => {
    const { proofs, warnings } = judgeServers([server('a', 'accepted'), server('b', 'refused')]);
    expect(proofs[0]?.ok).toBe(true);
    expect(warnings).toEqual(['the server b does not take the key "fleet", another server does']);
  });

  it('warns of a server that Coolify could not use before', () => {
    const { proofs, warnings } = judgeServers([server('a', 'refused', { worked: false })]);
    expect(proofs[0]).toMatchObject({ ok: true, detail: 'refused, and not counted: a (refused)' });
    expect(warnings).toEqual([
      'the server a does not take the key "fleet"; Coolify could not use it before either',
    ]);
  });
});

it.each([
  ['root@192.0.2.1: Permission denied (publickey).', true],
  ['Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures', true],
  ['ssh: connect to host 192.0.2.1 port 22: Connection timed out', false],
  ['ssh: connect to host 192.0.2.1 port 22: Permission denied', false],
  ['kex_exchange_identification: Connection closed by remote host', false],
])('"%s" is a refusal of the key: %s', (stderr, refusal) => {
  expect(isRefusal(stderr)).toBe(refusal);
});

it('a login from Coolify offers one key and nothing else, whatever its row says', () => {
  const { argv } = sshFromCoolify(
    { address: '-oProxyCommand=id', port: 22, user: '-v', keyUuid: 'abc' },
    { connectTimeoutS: 5, remote: ['true'] },
  );
  expect(argv.slice(-6)).toEqual(['22', '-l', '-v', '--', '-oProxyCommand=id', 'true']);
  for (const option of ['BatchMode=yes', 'IdentityAgent=none', 'ForwardAgent=no', 'IdentitiesOnly=yes'])
    expect(argv).toContain(option);
});
