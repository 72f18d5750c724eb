import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { Shell } from "../../services/cli/commands/completion/values.ts";
import { root } from "./cli.ts";

const execute = promisify(execFile);

/** What a real shell does to say what it offers: for the script $1 and each line after it, one candidate a line, and "=" at the end. */
const asking: { readonly [shell in Shell]: readonly string[] } = {
  bash: [
    "--norc",
    "-c",
    `set -u; shopt -u extglob; source "$1"; for COMP_LINE in "\${@:2}"; do
  unset COMPREPLY; COMP_POINT=\${#COMP_LINE}; _ratatouille; printf '%s\\n' "\${COMPREPLY[@]-}" =
done`,
    "bash",
  ],
  fish: [
    "--no-config",
    "-c",
    `source $argv[1]; for line in $argv[2..]; complete -C $line | string replace -r '\\t.*' ''; echo =; end; true`,
  ],
  // Only an interactive zsh completes: one in a pseudo-terminal, which says what it would add. It takes seconds to start.
  zsh: [
    "-f",
    "-c",
    `zmodload zsh/zpty
init=$(mktemp)
cat > $init <<EOF
PS1= PS2=
unsetopt auto_list
autoload -Uz compinit; compinit -u -D
source $1
compadd() { local -a hits; builtin compadd -A hits "\\$@"; print -rl -- \\\${hits/#/HIT:}; builtin compadd "\\$@" }
capture() { print; _main_complete; print END''ED }
zle -C capture complete-word capture
bindkey -e
bindkey '^I' capture
zle-line-init() { print REA''DY }
zle -N zle-line-init
EOF
shift
zpty -b z zsh -f -i
zpty -w z "source $init"
zpty -r z out '*READY*'
for line; do
zpty -wn z "$line"$'\\t'
zpty -r z out '*ENDED*'
print -r -- $out | tr -d '\\r' | sed -n 's/^HIT://p'
print -r -- =
zpty -wn z $'\\C-u'
done
zpty -d z
rm $init`,
    "zsh",
  ],
};

/** Whether a shell is there. */
export function hasShell(shell: Shell): boolean {
  return spawnSync(shell, ["-c", "exit 0"]).status === 0;
}

/** What a shell offers for the end of each of some lines, sorted. @param script the file with the completion for it */
export async function offered(shell: Shell, script: string, lines: readonly string[]): Promise<string[][]> {
  const { stdout } = await execute(shell, [...asking[shell], script, ...lines], { cwd: root, timeout: 60_000 });
  const answers = stdout.split(/^=\n/m).slice(0, -1);
  return answers.map((answer) => [...new Set(answer.split("\n").filter((word) => word !== ""))].sort());
}
