import { KEYWORDS, type Keyword } from './keywords.js';

/** What becomes of each keyword, as Markdown: the table in docs/connection.md, and a test keeps it so. */
export function keywordReference(): string {
  const rows: readonly (readonly [names: string, use: string, note: string])[] = [
    ['`Host`', 'honoured', 'wildcards and negation; letter case counts, as in ssh'],
    [
      '`Match`',
      'honoured',
      '`all`, `host`, `originalhost`, `user`, `localuser`, `tagged`, `final`, `canonical`, each with `!`. `exec`, `localnetwork`, `command`, `sessiontype` and `version` are not tried: an error, where the block would set something that counts',
    ],
    ['`Include`', 'honoured', 'patterns, from `~/.ssh` or `/etc/ssh`, 16 deep; cycles are refused'],
    ...KEYWORDS.filter(({ use }) => use === 'honoured').map(row),
    ...KEYWORDS.filter(({ use }) => use === 'refused').map(row),
    [
      'all others',
      'passed over',
      'they cannot change where we connect or whom we trust: ciphers and the like, `ControlMaster` and its kin (one connection does it all), forwarding, terminals, environment, compression, logging, GSSAPI, certificates of users, tokens',
    ],
  ];
  return ['| keyword | | |', '| --- | --- | --- |', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join(
    '\n',
  );
}

function row({ name, use, note }: Keyword): readonly [string, string, string] {
  return [`\`${name}\``, use, note];
}
