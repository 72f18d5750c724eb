import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Check, demand } from "../check.ts";
import { describeJob, isOver } from "../jobs.ts";
import { startLiar } from "../liar.ts";
import { publishChanged } from "../results.ts";

/** How often the bytes arrive wrong. */
const LIES = 2;

/** Bytes that arrive other than their digest says. */
export const lies: Check = {
  name: "lies",
  about: "notices that the bytes of an input are not those of its digest, and uses none of them",
  limitMs: 120_000,
  async run(bench) {
    const { jobs, newSeed, server, proxy, trainer } = bench;
    const { id } = await trainer();
    const task = await bench.task();
    const start = await bench.foundation();
    const fresh = await publishChanged(jobs, task.training({ seed: newSeed() }), start, (number) => number * 0.97);
    await using liar = await startLiar(server.address, { digest: fresh.blob, position: fresh.size - 2, lies: LIES });
    bench.detour = liar.address;
    try {
      proxy.cut();
      const submitted = await jobs.submit(task.training({ seed: newSeed(), weights: fresh.digest }), task);
      const job = await jobs.until(submitted.id, isOver, "the end of a job whose input arrives damaged");
      demand(liar.told() > 0, `the trainer never asked for the weights that a job goes on from; the job is ${describeJob(job)}`);
      if (job.state === JobState.SUCCEEDED)
        demand(
          liar.honest() > 0,
          "the trainer took wrong bytes: what arrives is hashed (sha-256), compared with the digest, and asked for again",
        );
      else demand(job.error.trim() !== "", "a job whose input arrives damaged failed without a sentence");
      demand((await trainer()).id === id, "the trainer ended, or started anew, over damaged bytes");
      return `${liar.told()} times a byte was wrong; the job is ${describeJob(job)}`;
    } finally {
      bench.detour = undefined;
      proxy.cut();
    }
  },
};
