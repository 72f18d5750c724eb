import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { root } from "../e2e/cli.ts";
import { commandOn, type Runtime } from "../e2e/runtimes.ts";
import { lastTest } from "./last-test.ts";
import { totalsOf } from "./totals.ts";

/** How the tests of a file ended. */
export type FileResult = {
  readonly file: string;
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly output: string;
};

/** Longer than the slowest file takes on the slowest runtime while another one runs beside it. */
const FILE_LIMIT_MS = 10 * 60_000;
const testArguments: { readonly [R in Runtime]: (file: string) => string[] } = {
  bun: (file) => ["test", "--timeout=120000", file],
  node: (file) => ["--disable-warning=ExperimentalWarning", "--test", "--test-timeout=300000", "--test-reporter=spec", file],
  deno: (file) => ["test", "-A", "--no-check", "--no-lock", "--quiet", file],
};

/** Runs the tests of a file, named relative to the checkout, in a process of its own. One that ended without totals has failed. */
export async function runTestFile(runtime: Runtime, file: string): Promise<FileResult> {
  const began = performance.now();
  const { code, output: said } = await runOnce(runtime, file);
  const totals = totalsOf(runtime, said);
  const output = totals ? said : `${said}\n${file} ended without totals, with ${code}, ${lastTest(runtime, said)}\n`;
  const { passed, failed } = totals ?? { passed: 0, failed: 0 };
  const ok = code === 0 && totals !== undefined && failed === 0;
  return { file, ok, passed, failed, seconds: (performance.now() - began) / 1000, output };
}

/** In a process group, so that nothing of a file that takes too long is left. */
async function runOnce(runtime: Runtime, file: string): Promise<{ code: number | string | null; output: string }> {
  const [program] = commandOn(runtime);
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1", CI: "true" };
  // Node's runner would speak its own protocol to a runner above it.
  for (const name of ["NODE_TEST_CONTEXT", "FORCE_COLOR"]) delete env[name];
  const child = spawn(program, testArguments[runtime](resolve(root, file)), {
    cwd: root,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const killer = setTimeout(() => {
    output += `\nkilled after ${FILE_LIMIT_MS / 60_000} minutes\n`;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, FILE_LIMIT_MS);
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    return { code: code ?? signal, output };
  } finally {
    clearTimeout(killer);
  }
}
