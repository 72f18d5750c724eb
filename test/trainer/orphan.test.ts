import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { signalChild, spawnScript } from "#libs/service";
import { temporaryDirectory, waitFor } from "#libs/testing";

/** Whether a process runs. One that has ended and waits for somebody to ask after it does not; only Linux tells. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return process.platform !== "linux";
  }
}

test("a trainer whose parent is killed in mid-training ends", async () => {
  await using directory = await temporaryDirectory();
  const parent = spawnScript(fileURLToPath(new URL("parent.ts", import.meta.url)), [directory.join("data-")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let output = "";
    parent.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const pid = await waitFor(() => Number(/^trainer (\d+)$/m.exec(output)?.[1]), { timeoutMs: 40_000, what: "a training trainer" });
    assert.ok(alive(pid));
    signalChild(parent, "SIGKILL");
    await waitFor(() => !alive(pid), { timeoutMs: 30_000, what: "the end of the trainer" });
  } finally {
    signalChild(parent, "SIGKILL");
  }
});
