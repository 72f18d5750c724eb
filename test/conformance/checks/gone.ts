import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "#libs/testing";
import { type Check, demand, seconds } from "../check.ts";
import { trainLong, trainShort } from "../long-job.ts";
import { stepsFor } from "../speed.ts";

/** So long the system is away. */
const AWAY_MS = 2_500;
/** How long the training is, undisturbed. */
const LONG_MS = 4_000;
/** So long a trainer may take to find it again. */
const BACK_MS = 20_000;

/** A system that goes away and comes back. */
export const gone: Check = {
  name: "gone",
  about: "waits while the system is away (kill -9), comes back by itself, and nothing is lost",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, server, proxy, trainer } = bench;
    const { id, process } = await trainer();
    const { job } = await trainLong(bench, await stepsFor(bench, LONG_MS));
    await server.kill();
    try {
      proxy.cut();
      await sleep(AWAY_MS);
      demand(process.running(), "the trainer ended when the system was gone");
    } finally {
      await server.start();
    }
    const backAt = performance.now();
    const announced = async () => (await jobs.trainers()).some((one) => one.id === id);
    await waitFor(announced, { timeoutMs: BACK_MS, what: "AnnounceTrainer after the system came back", intervalMs: 50 });
    const took = performance.now() - backAt;
    const { attempt } = await jobs.succeeded(job.id, 90_000);
    await trainShort(bench);
    demand((await trainer()).id === id, "the trainer ended after the system came back");
    return `announced again after ${seconds(took)}; its job took ${attempt} attempts`;
  },
};
