import type { Place } from "./places.ts";
import type { Values } from "./values.ts";

/** What values are in a script: a word for the kind, and more for what it needs. */
function coded(values: Values): string {
  switch (values.kind) {
    case "words":
      return [values.list ? "list" : "words", ...values.words].join(" ");
    case "names":
      return `names ${values.of}`;
    case "files":
      return [values.orModels ? "models" : "files", ...(values.endings ?? [])].join(" ");
    case "folders":
      return "folders";
    case "free":
      return "";
  }
}

/** Where a word leads to another command: "jobs list" behind "jobs", with a space in front of a first one. */
export function steps(places: readonly Place[]): string[] {
  return places.filter(({ path }) => path !== "").map(({ path }) => (path.includes(" ") ? path : ` ${path}`));
}

/** Options that take a value, as "jobs list --state"; by what they take. */
export function optionsByValues(places: readonly Place[]): Map<string, string[]> {
  return grouped(
    places.flatMap(({ path, options }) => options.flatMap(({ name, values }) => (values ? [[coded(values), `${path} ${name}`]] : []))),
  );
}

/** Commands by what their arguments are. */
export function placesByValues(places: readonly Place[]): Map<string, string[]> {
  return grouped(places.filter(({ values }) => values.kind !== "free").map(({ path, values }) => [coded(values), path]));
}

function grouped(pairs: readonly (readonly string[])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key = "", value = ""] of pairs) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}

/** Alternatives of a `case` of bash and zsh. */
const either = (words: readonly string[]) => words.map((word) => `"${word}"`).join("|");

/**
 * For bash and zsh: goes through the words before the current one. Sets `place` to the command, `option` to the option whose value comes,
 * if one does, with its command in front, and `values` to what may come. Not `path`, which is zsh's own.
 */
export function walk(places: readonly Place[], words: string): string {
  const cases = (groups: Map<string, string[]>) =>
    [...groups].map(([values, keys]) => `      ${either(keys)}) values="${values}" ;;`).join("\n");
  const valued = optionsByValues(places);
  return `  for word in ${words}; do
    if [ -n "$option" ]; then option=""; continue; fi
    case "$place $word" in
      ${either(steps(places))}) place="\${place:+$place }$word" ;;
      ${either([...valued.values()].flat())}) option="$place $word" ;;
    esac
  done
  case "$current" in --*=*) option="$place \${current%%=*}" ;; esac
  if [ -n "$option" ]; then
    case "$option" in
${cases(valued)}
    esac
  else
    case "$place" in
${cases(placesByValues(places))}
    esac
  fi`;
}
