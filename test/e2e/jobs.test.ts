import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { startLocalSystem } from "../../deploy/local/system.ts";
import { type Cli, startCli } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
const notFinite = "The loss is not finite at step 2 with learning rate 10000; a smaller learning rate may help";
let address = "";

after(() => directory[Symbol.asyncDispose]());

/** A system with one trainer: in one process, and each service in one of its own. */
type Start = () => Promise<AsyncDisposable & { readonly address: string }>;

const systems: { readonly [kind: string]: Start } = {
  "ratatouille up": async () => {
    const server = startCli(["up", "--listen", "127.0.0.1:0", "--data", directory.join("up"), "--trainers", "1"]);
    const [, listening = ""] = / listens on ([^;]+);/.exec(await server.line("listens on")) ?? [];
    return { address: listening, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
  "programs of their own": () => startLocalSystem({ directory: directory.join("programs"), trainers: 1 }),
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

/** Starts a run and returns its id. */
async function begin(file: string): Promise<{ run: Cli; id: string }> {
  const run = startCli(["recycle", file, "--server", address, "--out", directory.join("out")]);
  return { run, id: /\((run-[0-9a-f]+)\)/.exec(await run.line("(run-"))?.[1] ?? "" };
}

for (const [kind, start] of Object.entries(systems)) {
  describe(kind, () => {
    let system: Awaited<ReturnType<Start>>;
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
      const { run, id: runId } = await begin(file);
      assert.equal((await run.ended).code, 1);

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
      const { run, id: runId } = await begin(file);
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
  });
}
