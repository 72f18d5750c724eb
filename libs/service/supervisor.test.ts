import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { supervise } from "./index.ts";

const sh = (script: string) => () => spawn("sh", ["-c", script], { stdio: "ignore" });

test("a program that ends by itself is started again, and its supervisor says why", async () => {
  const reasons: string[] = [];
  await using program = supervise({
    name: "sleeper",
    spawn: sh("exec sleep 1000"),
    onEnd({ reason }) {
      reasons.push(reason);
      return true;
    },
  });
  for (let times = 1; times <= 3; times += 1) {
    await waitFor(() => program.pid !== undefined && program.restarts === times - 1, { what: "a program that runs" });
    program.kill();
    await waitFor(() => program.restarts === times, { what: "a restart" });
  }
  assert.deepEqual(reasons, ["SIGKILL", "SIGKILL", "SIGKILL"]);
});

test("a program that fails at once is tried ever more rarely", async () => {
  const starts: number[] = [];
  await using _ = supervise({
    name: "never",
    spawn() {
      starts.push(performance.now());
      return sh("exit 7")();
    },
  });
  await waitFor(() => starts.length === 5, { what: "five starts" });
  const pauses = starts.slice(1).map((at, i) => at - (starts[i] ?? 0));
  for (const [i, least] of [100, 200, 400, 800].entries()) assert.ok((pauses[i] ?? 0) >= least - 5, `pauses ${pauses}`);
});

test("a program that cannot be started is tried again too", async () => {
  const reasons: string[] = [];
  await using _ = supervise({
    name: "missing",
    spawn: () => spawn("/no/such/program"),
    onEnd({ reason }) {
      reasons.push(reason);
      return false;
    },
  });
  await waitFor(() => reasons.length === 2, { what: "two failures" });
  assert.match(reasons[0] ?? "", /ENOENT|no such file/i);
});

test("what is stopped stays down until it is started; what does not listen is killed after the grace period", async () => {
  await using program = supervise({ name: "deaf", spawn: sh("trap '' TERM; while :; do sleep 0.05; done"), graceMs: 300 });
  const first = await waitFor(() => program.pid, { what: "a program" });
  await program.stop();
  assert.equal(program.pid, undefined);
  assert.throws(() => process.kill(first, 0));
  await program.stop();
  program.start();
  const second = await waitFor(() => program.pid, { what: "the program again" });
  assert.notEqual(second, first);
  assert.equal(program.restarts, 0);
});
