import { fileURLToPath } from "node:url";
import { type TestProcess, testProcess } from "#libs/testing";

const program = fileURLToPath(new URL("child.ts", import.meta.url));

/** Starts child.ts on the runtime of this test, by way of another program where one is given: `unshare`, or a shell with a limit. */
export function startChild(args: readonly string[], by: readonly string[] = []): TestProcess {
  const isDeno = process.versions["deno"] !== undefined;
  const [command = "", ...rest] = [...by, process.execPath, ...(isDeno ? ["run", "-A", "--no-check", "--quiet"] : []), program, ...args];
  return testProcess(command, rest);
}
