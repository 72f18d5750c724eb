import type { Place } from "./places.ts";
import { walk } from "./walk.ts";

/**
 * For bash 3.2 and later, with `set -u` and without `extglob`. The line is split here: bash itself splits at `=` and `:` too. Words are
 * compared in the script and not by `compgen -W`, which would run what stands in `$(…)`.
 */
export function bash(places: readonly Place[]): string {
  const cases = places.map(
    ({ path, commands, options }) =>
      `    "${path}") commands="${commands.map(({ name }) => name).join(" ")}"; options="${options.map(({ name }) => name).join(" ")}" ;;`,
  );
  return `# bash completion for ratatouille

_ratatouille_offer() { # _ratatouille_offer START WORD...: those of the words that go on with what is typed, behind START
  local start="$1" word
  shift
  for word in "$@"; do
    case "$word" in "$typed"*) COMPREPLY+=("$start$word") ;; esac
  done
}

_ratatouille_files() { # _ratatouille_files ENDING...: folders, and files; with endings only those that end so
  local file ending
  while IFS= read -r file; do
    for ending in "\${@:-}"; do
      if [ -d "\${file/#\\~/$HOME}" ]; then COMPREPLY+=("$file"); break; fi
      case "$file" in *"$ending") COMPREPLY+=("$file"); break ;; esac
    done
  done < <(compgen -f -- "$typed")
  compopt -o filenames 2>/dev/null || :
}

_ratatouille() {
  local IFS=$' \\t\\n' place="" option="" values="" commands="" options="" current="" typed start="" word line last
  local -a words
  COMPREPLY=()
  line="\${COMP_LINE:0:COMP_POINT}"
  read -a words <<< "$line"
  last=$((\${#words[@]} - 1))
  case "$line" in *[!\\\\][[:space:]]) last=$((last + 1)) ;; *) current="\${words[last]}" ;; esac
${walk(places, `"\${words[@]:1:last-1}"`)}
  typed="$current"
  case "$current" in
    --*=*)
      typed="\${current#*=}"
      case "\${COMP_WORDBREAKS-}" in *=*) ;; *) start="\${current%%=*}=" ;; esac ;;
  esac
  if [ -z "$option" ]; then
    case "$place" in
${cases.join("\n")}
    esac
    case "$current" in -*) _ratatouille_offer "" $options; return ;; esac
    _ratatouille_offer "" $commands
    if [ -z "$commands$values" ]; then _ratatouille_offer "" $options; fi
  fi
  set -- $values
  case "\${1-}" in
    words) shift; _ratatouille_offer "$start" "$@" ;;
    list)
      shift
      case "$typed" in *,*) start="$start\${typed%,*},"; typed="\${typed##*,}" ;; esac
      _ratatouille_offer "$start" "$@" ;;
    names) _ratatouille_offer "$start" $("\${words[0]/#\\~/$HOME}" names "$2" "\${words[@]:1:last-1}" 2>/dev/null </dev/null) ;;
    models)
      shift
      case "$typed" in */* | [!./~]*) _ratatouille_offer "$start" $("\${words[0]/#\\~/$HOME}" names models "\${words[@]:1:last-1}" 2>/dev/null </dev/null) ;; esac
      _ratatouille_files "$@" ;;
    files) shift; _ratatouille_files "$@" ;;
    folders)
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$typed")
      compopt -o filenames 2>/dev/null || : ;;
  esac
}
complete -F _ratatouille ratatouille ./ratatouille
`;
}
