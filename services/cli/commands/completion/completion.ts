import type { Command } from "commander";
import { bash } from "./bash.ts";
import { fish } from "./fish.ts";
import { placesOf } from "./places.ts";
import type { Shell } from "./values.ts";
import { zsh } from "./zsh.ts";

const scripts = { bash, zsh, fish };

/** A shell's script that completes commands, options and values; made from the program itself, so it cannot go stale. */
export function completion(program: Command, shell: Shell): string {
  return scripts[shell](placesOf(program));
}
