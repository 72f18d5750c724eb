import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runtimeName } from "#libs/service";
import { temporaryDirectory, testProcess, waitFor } from "#libs/testing";
import { root, startCli } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { isAlive, trainersOf } from "./processes.ts";
import { writeSmallest } from "./run-file.ts";
import { commandOn } from "./runtimes.ts";

const directory = await temporaryDirectory();
const notFinite = "The loss is not finite at step 2 with learning rate 10000; a smaller learning rate may help";
let address = "";

after(() => directory[Symbol.asyncDispose]());

/** A system with one trainer, and the processes that it consists of. */
type System = AsyncDisposable & { readonly address: string; pids(): number[]; kill(): PromiseLike<unknown> };

const addressIn = (line: string) => / listens on ([^;]+);/.exec(line)?.[1] ?? "";

const systems: { readonly [kind: string]: () => Promise<System> } = {
  "ratatouille up": async () => {
    const server = startCli(["up", "--listen", "127.0.0.1:0", "--data", directory.join("up"), "--trainers", "1"]);
    return {
      address: addressIn(await server.line("listens on")),
      pids: () => [server.pid, ...trainersOf(server.pid)],
      // Alone: its trainers have to notice.
      kill: () => {
        server.signal("SIGKILL");
        return server.ended;
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
  "programs of their own": async () => {
    const [program, flags] = commandOn(runtimeName());
    const args = [...flags, "deploy/local/main.ts", "--data", directory.join("programs"), "--trainers", "1", "--free-ports"];
    const server = testProcess(program, args, { cwd: root });
    return {
      address: addressIn(await server.line("Ctrl-C stops it", 60_000)),
      pids: () => server.lines.flatMap((line) => / ready\b.*process (\d+)$/.exec(line)?.[1] ?? []).map(Number),
      kill: () => server.kill(),
      [Symbol.asyncDispose]: () => server.kill(),
    };
  },
};

type JsonJob = {
  readonly id: string;
  readonly state: string;
  readonly label: string;
  readonly error?: string;
  readonly attempts?: readonly { number: number; trainer: string; outcome: string; error?: string }[];
};

const jobs = (...args: readonly string[]) => succeedHere(["jobs", ...args, "--server", address]);
const listed = async (...args: readonly string[]) => JSON.parse(await jobs("list", "--json", ...args)) as JsonJob[];
const shown = async (id: string) => JSON.parse(await jobs("show", id, "--json")) as JsonJob;

const recycle = (file: string) => ["recycle", file, "--server", address, "--out", directory.join("out")];
const runIn = (said: string) => /\((run-[0-9a-f]+)\)/.exec(said)?.[1] ?? "";

for (const [kind, start] of Object.entries(systems)) {
  describe(kind, () => {
    let system: System;
    before(async () => {
      system = await start();
      address = system.address;
    });
    after(() => system[Symbol.asyncDispose]());

    test("there are no jobs yet, and nothing has happened", async () => {
      assert.equal(await jobs("list"), "No jobs yet.\n");
      assert.equal(await jobs("list", "--state", "failed"), "No such jobs.\n");
      assert.match(await succeedHere(["events", "--server", address]), /^Nothing has happened/);
      const unknownRun = await runHere(["jobs", "list", "--run", "run-0000000000000000", "--server", address]);
      assert.deepEqual([unknownRun.code, unknownRun.stderr], [1, "ratatouille: there is no run run-0000000000000000\n"]);
      const unknownJob = await runHere(["jobs", "show", "job-0000000000000000", "--server", address]);
      assert.deepEqual([unknownJob.code, unknownJob.stderr], [1, 'ratatouille: there is no job "job-0000000000000000"\n']);
    });

    test("a job that failed is listed, shown with what killed it, and tried again by hand", async () => {
      await using follower = startCli(["events", "--follow", "--since", "1h", "--server", address]);
      const file = await writeSmallest(directory.join("exploding.yaml"), (run) => {
        run.foundation.hidden = Array(8).fill(32);
        run["fine-tuning"]["learning-rate"] = 100;
        run["fine-tuning"]["learning-rate-factors"] = [100];
      });
      const run = await runHere(recycle(file));
      assert.equal(run.code, 1);
      const runId = runIn(run.stderr);

      const [failed] = await listed("--state", "failed", "--run", runId);
      assert.equal(failed?.error, notFinite);
      const id = failed.id;
      const table = await jobs("list", "--state", "succeeded,failed");
      assert.match(table, /^job +state +what +attempt +trainer +submitted$/m);
      assert.match(table, new RegExp(`^${id} +failed +seed 1 · held out 60° · recycled \\d +1 +trainer-1 +just now$`, "m"));
      assert.match(table, / succeeded /);

      const page = await jobs("show", id);
      assert.match(page, new RegExp(`^why +${notFinite}$`, "m"));
      assert.match(page, new RegExp(`^1 +trainer-1 +just now +[\\d.]+ m?s +failed +${notFinite}$`, "m"));
      assert.match(page, new RegExp(`ratatouille jobs retry ${id}$`, "m"));

      assert.equal(await jobs("retry", id), `Queued again: ${id}. To see how it goes: ratatouille jobs show ${id}\n`);
      const twice = async () => {
        const job = await shown(id);
        return job.state === "JOB_STATE_FAILED" && job.attempts?.length === 2;
      };
      await waitFor(twice, { timeoutMs: 30_000, what: "a second attempt that failed" });

      await follower.line(new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d {2}job ${id} failed: ${notFinite}$`));
      await follower.line(new RegExp(`run ${runId} did not succeed$`));
      await follower.line(/model [0-9a-f]{12} published$/);
      follower.signal("SIGINT");
      assert.deepEqual(await follower.ended.then(({ code }) => code), 130);
      const events = (await succeedHere(["events", "--json", "--since", "10m", "--server", address]))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      const ends = events.filter(({ jobFinished }) => jobFinished?.jobId === id);
      assert.equal(ends.length, 2);
      assert.equal(ends[0].subject, "ratatouille.v1.job.finished");
    });

    test("a job that is cancelled by hand fails its run, with the reason; what has succeeded is left alone", async () => {
      const file = await writeSmallest(directory.join("endless.yaml"), (run) => {
        run.name = "endless";
        run["fine-tuning"].steps = 1_000_000;
      });
      await using run = startCli(recycle(file));
      const runId = runIn(await run.line("(run-"));
      const running = async () => (await listed("--state", "running", "--run", runId)).find(({ label }) => label.includes("recycled"));
      await waitFor(async () => (await running()) !== undefined, { timeoutMs: 60_000, what: "a fine-tuning that runs" });
      const id = (await running())?.id ?? "";
      assert.match(await jobs("list", "--run", runId), new RegExp(`^${id} +running( \\d+ %)? `, "m"));
      assert.match(await jobs("cancel", id, "--reason", "takes too long"), new RegExp(`^Cancelled ${id}\\.`));
      const { code, stderr } = await run.ended;
      assert.equal(code, 1);
      assert.match(stderr, /the run failed: .*cancelled by hand: takes too long/);
      assert.match(await jobs("show", id), /^why +cancelled by hand: takes too long$/m);

      const [done] = await listed("--state", "succeeded");
      const refused = await runHere(["jobs", "retry", done?.id ?? "", "--server", address]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^ratatouille: .*succeeded.*\n$/);
      const late = await runHere(["jobs", "cancel", done?.id ?? "", "--server", address]);
      assert.deepEqual([late.code, late.stderr], [1, `ratatouille: there is nothing to cancel: ${done?.id} has succeeded already\n`]);
    });

    test("nothing outlives a system that is killed", async () => {
      const pids = system.pids();
      assert.equal(pids.length, kind === "ratatouille up" ? 2 : 11);
      assert.ok(pids.every(isAlive));
      await system.kill();
      await waitFor(() => !pids.some(isAlive), { what: "the end of all programs" });
    });
  });
}
