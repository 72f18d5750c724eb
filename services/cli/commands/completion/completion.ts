import type { Command } from "commander";

const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Whether completion can be written for a shell. */
export function isShell(name: string): name is Shell {
  return (SHELLS as readonly string[]).includes(name);
}

type Words = { readonly path: string; readonly words: readonly string[] };

/** A shell's script that completes commands and options; made from the program itself, so it cannot go stale. */
export function completion(program: Command, shell: Shell): string {
  const tables = collect(program, "");
  switch (shell) {
    case "bash":
      return bash(tables);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(tables)}`;
    case "fish":
      return fish(tables);
  }
}

function collect(command: Command, path: string): Words[] {
  const words = [
    ...command.commands.map((child) => child.name()),
    ...command.options.flatMap(({ long }) => (long ? [long] : [])),
    "--help",
  ];
  return [{ path, words }, ...command.commands.flatMap((child) => collect(child, `${path} ${child.name()}`.trim()))];
}

function bash(tables: readonly Words[]): string {
  const cases = tables.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  return `_ratatouille() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *)
      case "$path $word" in ${tables
        .filter(({ path }) => path !== "")
        .map(({ path }) => `"${path.includes(" ") ? "" : " "}${path}"`)
        .join("|")}) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$path" in
    recycle|merge) word='!*.@(yaml|yml)' ;;
    average|check) word='!*.safetensors' ;;
    *) return ;;
  esac
  if [[ "$current" != -* ]]; then COMPREPLY+=($(compgen -f -X "$word" -- "$current") $(compgen -d -- "$current")); fi
}
complete -o filenames -F _ratatouille ratatouille ./ratatouille
`;
}

function fish(tables: readonly Words[]): string {
  return tables
    .flatMap(({ path, words }) => {
      const seen = path.split(" ").filter(Boolean);
      const condition =
        seen.length === 0 ? "__fish_use_subcommand" : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
      return words.map((word) =>
        word.startsWith("--")
          ? `complete -c ratatouille -n '${condition}' -l ${word.slice(2)}`
          : `complete -c ratatouille -f -n '${condition}' -a ${word}`,
      );
    })
    .join("\n")
    .concat("\n");
}
