import { fileURLToPath } from "node:url";

/** What the system runs on. */
export type Runtime = "bun" | "node" | "deno";

const flags: { readonly [R in Runtime]: readonly string[] } = {
  bun: ["--config=/dev/null", "--no-env-file"],
  node: ["--disable-warning=ExperimentalWarning"],
  deno: ["run", "-A", "--no-check", "--no-lock", "--quiet"],
};

/** The program of a runtime, from the installed packages, and what it needs before a script. */
export function commandOn(runtime: Runtime): readonly [program: string, flags: readonly string[]] {
  return [fileURLToPath(new URL(`../../node_modules/.bin/${runtime}`, import.meta.url)), flags[runtime]];
}
