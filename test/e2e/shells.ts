import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { Shell } from "../../services/cli/commands/completion/values.ts";
import { root } from "./cli.ts";

const execute = promisify(execFile);

/** What a real shell does to say what it offers: for the script $1 and the line $2, one candidate a line. */
const asking: { readonly [shell in Shell]: readonly string[] } = {
  bash: [
    "--norc",
    "-c",
    `set -u; shopt -u extglob; source "$1"; COMP_LINE=$2; COMP_POINT=\${#COMP_LINE}; _ratatouille; printf '%s\\n' "\${COMPREPLY[@]-}"`,
    "bash",
  ],
  fish: ["--no-config", "-c", `source $argv[1]; complete -C $argv[2] | string replace -r '\\t.*' ''; true`],
  // Only an interactive zsh completes: one in a pseudo-terminal, which says what it would add.
  zsh: [
    "-f",
    "-c",
    `zmodload zsh/zpty
init=$(mktemp)
cat > $init <<EOF
PS1= PS2=
autoload -Uz compinit; compinit -u -D
source $1
compadd() { local -a hits; builtin compadd -A hits "\\$@"; print -rl -- \\\${hits/#/HIT:}; builtin compadd "\\$@" }
capture() { print; _main_complete; print END''ED }
zle -C capture complete-word capture
bindkey '^I' capture
zle-line-init() { print REA''DY }
zle -N zle-line-init
EOF
zpty -b z zsh -f -i
zpty -w z "source $init"
zpty -r z out '*READY*'
zpty -wn z "$2"$'\\t'
zpty -r z out '*ENDED*'
zpty -d z
rm $init
print -r -- $out | tr -d '\\r' | sed -n 's/^HIT://p'`,
    "zsh",
  ],
};

/** Whether a shell is there. */
export function hasShell(shell: Shell): boolean {
  return spawnSync(shell, ["-c", "exit 0"]).status === 0;
}

/** What a shell offers for the end of a line, sorted. @param script the file with the completion for it */
export async function offered(shell: Shell, script: string, line: string): Promise<string[]> {
  const { stdout } = await execute(shell, [...asking[shell], script, line], { cwd: root, timeout: 60_000 });
  return [...new Set(stdout.split("\n").filter((word) => word !== ""))].sort();
}
