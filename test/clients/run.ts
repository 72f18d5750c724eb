import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");
/** What is built for tests of clients. */
export const cache = join(root, "node_modules/.cache/clients");

export type RunOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Nothing that it writes is shown. */
  readonly quiet?: boolean;
};

/** Runs a program to its end; true if that was a good one. */
export async function runs(
  program: string,
  args: readonly string[],
  { cwd = root, env = {}, quiet = false }: RunOptions = {},
): Promise<boolean> {
  const output = quiet ? "ignore" : "inherit";
  const child = spawn(program, args, { cwd, stdio: ["ignore", output, output], env: { ...process.env, ...env } });
  return once(child, "close").then(
    ([code]) => code === 0,
    () => false,
  );
}

/** What a program writes to its standard output; undefined where it fails. */
export async function outputOf(program: string, args: readonly string[], cwd = root): Promise<string | undefined> {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return once(child, "close").then(
    ([code]) => (code === 0 ? text : undefined),
    () => undefined,
  );
}
