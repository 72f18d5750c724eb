import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitFor } from "#libs/testing";
import { cpuTimeMs, runtimeName, runtimeVersion, signalChild, spawnScript } from "./index.ts";

const parent = fileURLToPath(new URL("testing/parent.ts", import.meta.url));
const guardedScript = fileURLToPath(new URL("testing/guarded.ts", import.meta.url));

for (const stdin of ["pipe", "ignore"]) {
  test(`a child whose parent was killed with kill -9 ends within 2 s (stdin: ${stdin})`, async () => {
    const child = spawnScript(parent, [stdin], { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(child.stdout);
    const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
    const grandchild = Number(line);
    assert.ok(isAlive(grandchild));
    signalChild(child, "SIGKILL");
    await waitFor(() => !isAlive(grandchild), { timeoutMs: 2000, what: "the end of the grandchild" });
  });
}

for (const guarded of ["child", "group"]) {
  test(`a program of others ends with the process that started it, killed with kill -9 (${guarded})`, async () => {
    const starter = spawnScript(guardedScript, [guarded], { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(starter.stdout);
    const [line] = (await once(starter.stdout.setEncoding("utf8"), "data")) as [string];
    const [shell = 0, sleep = 0] = line.split(" ").map(Number);
    assert.ok(isAlive(shell) && isAlive(sleep));
    signalChild(starter, "SIGKILL");
    try {
      await waitFor(() => !isAlive(shell), { what: "the end of the shell" });
      if (guarded === "group") await waitFor(() => !isAlive(sleep), { what: "the end of what the shell had started" });
    } finally {
      if (isAlive(sleep)) process.kill(sleep, "SIGKILL");
    }
  });
}

test("a child runs on the same runtime, with the added environment", async () => {
  const script = fileURLToPath(new URL("testing/life.ts", import.meta.url));
  const child = spawnScript(script, ["code"], { stdio: "ignore", env: { OTEL_EXPORTER_OTLP_ENDPOINT: undefined } });
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 3);
  assert.match(child.spawnfile, new RegExp(runtimeName()));
});

test("the runtime knows its version and its CPU time", () => {
  assert.match(runtimeVersion(), /^\d+\.\d+\.\d+/);
  const before = cpuTimeMs();
  const until = performance.now() + 30;
  while (performance.now() < until);
  const used = cpuTimeMs() - before;
  assert.ok(used > 0 && used < 10_000, `${used} ms`);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended: in a container it stays until process 1 takes note.
    return !existsSync("/proc/self/stat") || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
