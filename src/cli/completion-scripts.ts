import { TOOL } from '../tool.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The script that makes a shell ask this program for completions. Each hands over the words so far, the one under the
 * cursor last, and takes one suggestion a line; where there is none, files are completed.
 */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell]
    .replaceAll('PROGRAM', TOOL.name)
    .replaceAll('FUNCTION', TOOL.name.replaceAll('-', '_'));
}

const SCRIPTS: Readonly<Record<Shell, string>> = {
  // The words are read from the line anew, because bash breaks words at ":" and "=", which patterns and options hold.
  bash: `# bash completion for PROGRAM; load it with: source <(PROGRAM completion bash)
_FUNCTION() {
  local line=\${COMP_LINE:0:COMP_POINT} word reply=() words=()
  read -ra words <<<"$line"
  [[ $line == *' ' ]] && words+=('')
  word=\${words[\${#words[@]}-1]}
  mapfile -t reply < <(PROGRAM __complete -- "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  local one cut=''
  [[ $word == *[:=]* && $COMP_WORDBREAKS == *:* ]] && cut=\${word%"\${word##*[:=]}"}
  for one in "\${reply[@]}"; do
    [[ $one == "$word"* ]] && COMPREPLY+=("\${one#"$cut"}")
  done
  return 0
}
complete -o default -F _FUNCTION PROGRAM
`,
  zsh: `#compdef PROGRAM
# zsh completion for PROGRAM; load it with: source <(PROGRAM completion zsh)
_FUNCTION() {
  local -a reply
  reply=("\${(@f)$(PROGRAM __complete -- "\${(@)words[2,$CURRENT]}" 2>/dev/null)}")
  reply=(\${reply:#})
  if (( \${#reply} )); then
    compadd -- "\${reply[@]}"
  else
    _files
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _FUNCTION "$@"
else
  compdef _FUNCTION PROGRAM
fi
`,
  fish: `# fish completion for PROGRAM; load it with: PROGRAM completion fish | source
function __FUNCTION
    set -l words (commandline -opc) (commandline -ct)
    PROGRAM __complete -- $words[2..-1] 2>/dev/null
end
complete -c PROGRAM -a '(__FUNCTION)'
`,
};
