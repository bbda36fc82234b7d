import { quote, render } from '../ssh/command.js';
import { bootArguments, MARKER } from '../ssh/start-marker.js';
import { ALPHABETS, type HostCommand, type InputLine, VALUE } from './host-command.js';

/** Where the gate stands on a host. */
export const GATE_PATH = '/usr/local/sbin/coolify-state-gate';

/**
 * A POSIX shell script for `command=` of authorized_keys: it compares what a client asks for with the commands that
 * are given, character by character, and runs its own copy of the one that is the same. Nothing that a client sent is
 * ever read by a shell; what may vary in a command or in its input is checked against a list of characters.
 * @param title comment lines for its head
 */
export function hostGate(commands: readonly HostCommand[], title: readonly string[]): string {
  const parts = commands.flatMap((one, index) => [
    `# ${one.purpose.replaceAll(/[\r\n]/g, ' ')}`,
    ...partOf(one, `input_${index + 1}`),
    '',
  ]);
  return [
    '#!/bin/sh',
    ...title.map((line) => `# ${line}`.trimEnd()),
    '',
    HEAD.trim(),
    '',
    `asked=\${SSH_ORIGINAL_COMMAND-}`,
    `boot=${quote(render({ argv: bootArguments(MARKER.before, []), summary: '' }))}`,
    OPENING.trim(),
    '',
    ...parts,
    "refuse 'this is not what a backup runs, or another version made this file'",
    '',
  ].join('\n');
}

function partOf({ command, value, input }: HostCommand, reader: string): string[] {
  const line = render(command);
  if (typeof input === 'object') {
    const run = input.kind === 'text' ? 'with_text' : 'with_conversation';
    return [
      `${reader}() {`,
      ...input.lines.map(readerOf),
      '  no_more',
      '}',
      `${run} ${quote(line)} ${reader}`,
    ];
  }
  if (value === undefined) return [`${input === 'open' ? 'with_input' : 'plain'} ${quote(line)}`];
  const [before = '', after = ''] = line.split(VALUE);
  return [`with_value ${quote(before)} ${quote(ALPHABETS[value])} ${quote(after)}`];
}

function readerOf(line: InputLine): string {
  if (typeof line === 'string') return `  same ${quote(line)}`;
  const [before = '', after = ''] = line.text.split(VALUE);
  return `  like ${quote(before)} ${quote(ALPHABETS[line.value])} ${quote(after)}`;
}

/** Characters are listed one by one, not as ranges, and the environment is one of its own: no locale has a say. */
const HEAD = `
set -fu
unset IFS
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
LC_ALL=C
export PATH LC_ALL
clean="env -i PATH=$PATH HOME=/root LC_ALL=C"

refuse() {
  printf 'coolify-state-gate: refused: %s\\n' "$1" >&2
  printf '%.300s' "\${asked-}" | tr -c '[:print:]' '?' |
    logger -t coolify-state-gate -p auth.warning >/dev/null 2>&1
  exit 126
}

# fits TEXT BEFORE CHARACTERS AFTER: whether TEXT is BEFORE, 1 to 200 of CHARACTERS, and AFTER; sets value.
fits() {
  case $1 in "$2"*"$4") ;; *) return 1 ;; esac
  value=\${1#"$2"}
  value=\${value%"$4"}
  case $value in '' | *[!$3]*) return 1 ;; esac
  [ "\${#value}" -le 200 ]
}

# The command begins: what the client waits for before it reads any output.
begin() {
  printf %s "$marker"
  printf %s "$marker" >&2
}

# plain COMMAND, with_input COMMAND: run it when it is what was asked for. eval reads a text of this file.
plain() {
  [ "$asked" = "$1" ] || return 0
  begin
  eval "exec $clean $1" </dev/null
}
with_input() {
  [ "$asked" = "$1" ] || return 0
  begin
  eval "exec $clean $1"
}
# The same for one with a value, which is nothing but CHARACTERS.
with_value() {
  fits "$asked" "$@" || return 0
  begin
  eval "exec $clean $1$value$3"
}
# The same for one whose input is given line by line, each checked by READER before it is passed on ...
with_conversation() {
  [ "$asked" = "$1" ] || return 0
  begin
  { sh -c 'echo "$PPID"'; "$2"; } | {
    IFS= read -r reader
    eval "$clean $1"
    status=$?
    # It may still wait for a line that nobody would read. A shell makes no words about this signal.
    kill -s PIPE "$reader" 2>/dev/null
    exit "$status"
  }
  exit
}
# ... or whole, before it begins.
with_text() {
  [ "$asked" = "$1" ] || return 0
  text=$("$2") || exit 126
  begin
  printf '%s\\n' "$text" | eval "$clean $1"
  exit
}

# What a READER is made of: the next line is this one, or fits this one; there is no more.
next() {
  IFS= read -r line || [ -n "$line" ] || exit 1
}
same() {
  next
  [ "$line" = "$1" ] || refuse 'this is not what a backup sends'
  printf '%s\\n' "$1"
}
like() {
  next
  fits "$line" "$@" || refuse 'this is not what a backup sends'
  printf '%s\\n' "$1$value$3"
}
no_more() {
  if IFS= read -r line || [ -n "$line" ]; then refuse 'this is more than a backup sends'; fi
}
`;

/** Takes the start of every command off and keeps its marker. */
const OPENING = `
case $asked in "$boot"*) ;; *) refuse 'this is not a command of coolify-state' ;; esac
asked=\${asked#"$boot"}
value=\${asked%%"${MARKER.after}"*}
[ "\${#value}" -eq ${MARKER.hexDigits} ] && fits "$value" '' ${ALPHABETS.hex} '' || refuse 'the marker is none'
marker=${MARKER.before}$value${MARKER.after}
case $asked in "$value${MARKER.after} "*) ;; *) refuse 'there is no command' ;; esac
asked=\${asked#"$value${MARKER.after} "}
`;
