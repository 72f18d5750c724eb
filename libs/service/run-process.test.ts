import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { signalChild, spawnScript, VERSION } from "./index.ts";
import { scriptCommand } from "./runtime.ts";

const script = fileURLToPath(new URL("testing/life.ts", import.meta.url));

test("a service that is asked to stop closes everything in reverse order and is done", async () => {
  const process = life("serve");
  await process.printed(`ready ${VERSION}`);
  process.kill("SIGTERM");
  assert.equal(await process.exitCode, 0);
  assert.match(process.stdout(), /stopping: interrupted by SIGTERM\ninner closed\nouter closed\n$/);
});

test("work that is interrupted closes everything, exits with 130 and reports no error", async () => {
  const process = life("work");
  await process.printed("ready");
  process.kill("SIGINT");
  assert.equal(await process.exitCode, 130);
  assert.match(process.stdout(), /^ready\ninner closed\nouter closed\n$/);
  assert.equal(process.stderr(), "");
});

test("the second signal ends a process that does not stop", async () => {
  const process = life("deaf");
  await process.printed("ready");
  process.kill("SIGINT");
  await process.printed("heard");
  process.kill("SIGINT");
  assert.equal(await process.exitCode, 130);
  assert.doesNotMatch(process.stdout(), /closed/);
});

test("wrong usage is one sentence on stderr and exit code 2", async () => {
  const process = life("usage");
  assert.equal(await process.exitCode, 2);
  assert.equal(process.stderr(), "there is no such thing\n");
});

test("an error is logged with its stack and exits with 1, after everything is closed", async () => {
  const process = life("fail");
  assert.equal(await process.exitCode, 1);
  const lines = process.stdout().trim().split("\n");
  assert.deepEqual(lines.slice(0, 2), ["inner closed", "outer closed"]);
  const logged = JSON.parse(lines[2] ?? "");
  assert.equal(logged.level, "error");
  assert.match(logged.err.stack, /disk on fire[\s\S]*life\.ts/);
});

test("a rejection that nobody handles ends the process with 1 and its reason in the log", async () => {
  const process = life("stray");
  assert.equal(await process.exitCode, 1);
  assert.match(process.stdout(), /nobody waits for me/);
});

test("main may choose the exit code", async () => {
  assert.equal(await life("code").exitCode, 3);
});

test("nothing that was written to a pipe is cut off at the end, even if the reader takes its time", async () => {
  // More than a pipe holds, and a reader that begins after the writer has closed everything.
  const slowly = ["-c", '"$@" | { sleep 0.5; wc -c; }', "sh", ...scriptCommand(script, ["write"])];
  const { stdout } = await promisify(execFile)("sh", slowly, { encoding: "utf8" });
  assert.equal(Number(stdout), (1 << 20) + 1 + "inner closed\nouter closed\n".length);
});

test("a reader that goes away ends the process with 141, after everything is closed, and nothing is said", async () => {
  const early = ["-c", '"$@" | head -c 10; echo " $PIPESTATUS"', "bash", ...scriptCommand(script, ["write"])];
  const { stdout, stderr } = await promisify(execFile)("bash", early, { encoding: "utf8", timeout: 20_000 });
  assert.deepEqual([stdout, stderr], [`${"x".repeat(10)} 141\n`, ""]);
});

function life(what: string) {
  const child = spawnScript(script, [what], { stdio: ["ignore", "pipe", "pipe"], env: { OTEL_EXPORTER_OTLP_ENDPOINT: undefined } });
  let stdout = "";
  let stderr = "";
  let look = () => {};
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    look();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exitCode = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    exitCode,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal: NodeJS.Signals) => signalChild(child, signal),
    printed: (text: string) =>
      new Promise<void>((resolve, reject) => {
        look = () => {
          if (stdout.includes(`${text}\n`)) resolve();
        };
        child.once("close", () => reject(new Error(`the process ended before it printed ${text}: ${stdout}${stderr}`)));
        look();
      }),
  };
}
