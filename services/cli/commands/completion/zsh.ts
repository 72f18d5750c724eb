import type { Place } from "./places.ts";
import { walk } from "./walk.ts";

type Described = Place["commands"];

/** For zsh 5, as a file of `fpath` or read by `source`. The endings have one twice: one alone in parentheses would be a qualifier of files. */
export function zsh(places: readonly Place[]): string {
  const described = (list: Described) => list.map(({ name, summary }) => `'${name}:${summary}'`).join(" ");
  const cases = places.map(
    ({ path, commands, options }) => `      "${path}") below=(${described(commands)}); flags=(${described(options)}) ;;`,
  );
  return `#compdef ratatouille
# zsh completion for ratatouille

_ratatouille_names() { # _ratatouille_names KIND WORD...: what the system of the words has
  local kind="$1" program="\${words[1]/#\\~/$HOME}"
  shift
  local -a names=(\${(f)"$("$program" names "$kind" "$@" 2>/dev/null </dev/null)"})
  compadd -- $names
}

_ratatouille() {
  local place="" option="" values="" current="$PREFIX" word
  local -a below flags kind
${walk(places, `"\${(@)words[2,CURRENT-1]}"`)}
  case "$current" in --*=*) compset -P '*=' ;; esac
  if [[ -z "$option" ]]; then
    case "$place" in
${cases.join("\n")}
    esac
    if [[ "$current" == -* || ( -z "$values" && $#below -eq 0 ) ]]; then
      _describe -o 'option' flags
      return
    fi
    if (( $#below )); then _describe 'command' below; fi
  fi
  kind=(\${=values})
  case "\${kind[1]-}" in
    words) compadd -- \${kind[2,-1]} ;;
    list) compset -P '*,'; compadd -- \${kind[2,-1]} ;;
    names) _ratatouille_names $kind[2] "\${(@)words[2,CURRENT-1]}" ;;
    models)
      if [[ "$current" == (*/*|[^./~]*|) ]]; then _ratatouille_names models "\${(@)words[2,CURRENT-1]}"; fi
      _files -g "*(\${(j:|:)kind[2,-1]}|$kind[2])" ;;
    files) if (( $#kind > 1 )); then _files -g "*(\${(j:|:)kind[2,-1]}|$kind[2])"; else _files; fi ;;
    folders) _files -/ ;;
  esac
}

if [[ "\${funcstack[1]-}" == _ratatouille ]]; then
  _ratatouille "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _ratatouille ratatouille
fi
`;
}
