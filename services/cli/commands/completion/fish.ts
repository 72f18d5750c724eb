import type { Place } from "./places.ts";
import { optionsByValues, placesByValues, steps } from "./walk.ts";

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");

/** For fish 3. */
export function fish(places: readonly Place[]): string {
  const valued = optionsByValues(places);
  const cases = (groups: Map<string, string[]>) =>
    [...groups].map(([values, keys]) => `            case ${quoted(keys)}\n                set values ${values}`).join("\n");
  const described = (list: Place["commands"]) => quoted(list.map(({ name, summary }) => `${name}\t${summary}`));
  const words = places.map(
    ({ path, commands, options }) => `            case '${path}'
                set commands ${described(commands)}
                set options ${described(options)}`,
  );
  return `# fish completion for ratatouille

function __ratatouille_files # current, endings: folders, and files; with endings only those that end so
    set -l endings (string escape --style=regex -- $argv[2..])
    for file in (__fish_complete_path $argv[1])
        if test -z "$endings"; or string match -qr -- "(/|"(string join '|' $endings)")(\\t|\\$)" $file
            echo $file
        end
    end
end

function __ratatouille_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~(?=/)' "$HOME" -- $words[1])
    set -e words[1]
    set -l current (commandline -ct)
    set -l place ''
    set -l option ''
    set -l values
    set -l commands
    set -l options
    set -l start ''
    for word in $words
        if test -n "$option"
            set option ''
            continue
        end
        switch "$place $word"
            case ${quoted(steps(places))}
                set place (string trim -- "$place $word")
            case ${quoted([...valued.values()].flat())}
                set option "$place $word"
        end
    end
    if string match -q -- '--*=*' "$current"
        set -l parts (string split -m 1 = -- $current)
        set option "$place $parts[1]"
        set start "$parts[1]="
        set current "$parts[2]"
    end
    if test -n "$option"
        switch "$option"
${cases(valued)}
        end
    else
        switch "$place"
${cases(placesByValues(places))}
        end
        switch "$place"
${words.join("\n")}
        end
        if string match -q -- '-*' "$current"; or test -z "$commands$values"
            printf '%s\\n' $options
            return
        end
        if test -n "$commands"
            printf '%s\\n' $commands
        end
    end
    switch "$values[1]"
        case words
            printf '%s\\n' $start$values[2..]
        case list
            set start $start(string match -r '.*,' -- $current; or echo)
            printf '%s\\n' $start$values[2..]
        case names
            printf '%s\\n' $start($program names $values[2] $words 2>/dev/null </dev/null)
        case models
            if not string match -qr '^[./~]' -- "$current"
                printf '%s\\n' $start($program names models $words 2>/dev/null </dev/null)
            end
            printf '%s\\n' $start(__ratatouille_files "$current" $values[2..])
        case files
            printf '%s\\n' $start(__ratatouille_files "$current" $values[2..])
        case folders
            printf '%s\\n' $start(__fish_complete_directories "$current" '')
    end
end

complete -c ratatouille -e
complete -c ratatouille -f -a '(__ratatouille_complete)'
`;
}
