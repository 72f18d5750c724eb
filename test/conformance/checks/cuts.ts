import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { disturb, inMidStream } from "../../faults/connections.ts";
import { type Check, demand } from "../check.ts";
import { isOver } from "../jobs.ts";
import { publishChanged } from "../results.ts";
import { stepsFor } from "../speed.ts";

/** Cuts, at most. */
const MOST = 8;
/** How long the training is, undisturbed. */
const LONG_MS = 3_000;
const faults = ["cut", "half-close towards the client", "half-close towards the server", "delay"] as const;

/** Connections that break while bytes are on their way. */
export const cuts: Check = {
  name: "cuts",
  about: "goes on when its connections are cut, half closed or slow in mid-transfer",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, newSeed, proxy, trainer, random } = bench;
    const { process } = await trainer();
    const task = await bench.task();
    const start = await bench.foundation();
    const steps = await stepsFor(bench, LONG_MS);
    // Weights that it has to fetch, and a training whose checkpoints and results it has to send.
    const fresh = await publishChanged(jobs, task.training({ seed: newSeed() }), start, (number) => number * 1.01);
    const { id: job } = await jobs.submit(task.training({ seed: newSeed(), weights: fresh.digest, steps }), task);
    let done = 0;
    const over = new AbortController();
    const isDone = (one: Job) => isOver(one) || !process.running();
    const ended = jobs.until(job, isDone, "the end of a job whose connections broke", 120_000).finally(() => over.abort());
    ended.catch(() => undefined);
    await jobs.until(job, ({ attempt }) => attempt > 0, "the beginning of a job");
    for (; done < MOST && !over.signal.aborted; done++) {
      await inMidStream(proxy, Math.floor(20_000 * random() ** 2), over.signal);
      disturb(proxy, faults[done % faults.length]!, 20 + 100 * random());
    }
    proxy.delayMs = 0;
    await ended;
    demand(process.running(), "the trainer ended when its connections broke");
    const { attempt } = await jobs.succeeded(job);
    return `${done} times cut, half closed or delayed; ${attempt} attempts`;
  },
};
