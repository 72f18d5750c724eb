import { disturb, inMidStream } from "../../faults/connections.ts";
import { type Check, demand } from "../check.ts";
import { isOver } from "../jobs.ts";
import { publishChanged } from "../results.ts";
import { stepsFor } from "../speed.ts";

/** Cuts, at most. */
const MOST = 8;
const faults = ["cut", "half-close towards the client", "half-close towards the server", "delay"] as const;

/** Connections that break while bytes are on their way. */
export const cuts: Check = {
  name: "cuts",
  about: "goes on when its connections are cut, half closed or slow in mid-transfer",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, newSeed, proxy, trainer, random } = bench;
    const { id } = await trainer();
    const task = await bench.task();
    const start = await bench.foundation();
    const steps = await stepsFor(bench, 1500);
    // Weights that it has to fetch, and a training whose checkpoints and results it has to send.
    const fresh = await publishChanged(jobs, task.training({ seed: newSeed() }), start, (number) => number * 1.01);
    const { id: job } = await jobs.submit(task.training({ seed: newSeed(), weights: fresh.digest, steps }), task);
    let done = 0;
    const over = new AbortController();
    const ended = jobs.succeeded(job, 120_000).finally(() => over.abort());
    ended.catch(() => undefined);
    for (; done < MOST && !over.signal.aborted; done++) {
      await inMidStream(proxy, Math.floor(20_000 * random() ** 2), over.signal);
      disturb(proxy, faults[done % faults.length]!, 20 + 100 * random());
    }
    proxy.delayMs = 0;
    const { attempt } = await ended;
    demand(isOver(await jobs.get(job)), "the job has not ended");
    demand((await trainer()).id === id, "the trainer ended, or started anew, when its connections broke");
    return `${done} times cut, half closed or delayed; ${attempt} attempts`;
  },
};
