import { setTimeout as sleep } from "node:timers/promises";
import { type Check, demand } from "../check.ts";

/** Longer than a trainer may be silent before it is taken for gone. */
const WATCH_MS = 6_000;
const LOOK_MS = 250;
/** As recipes spell them: "~train/2 images/1", "tfjs-cpu/4.22.0 train/1". */
const ARITHMETIC = /^~?[a-z0-9][\w.-]*\/[\w.-]+( [\w./-]+)*$/;

/** What it says of itself can be used, and it goes on saying so. */
export const announces: Check = {
  name: "announces",
  about: "says what it can run, in a form that jobs can be matched with, and goes on saying so",
  limitMs: 90_000,
  async run({ trainer, task, jobs }) {
    const { id, announced } = await trainer();
    const { name, engines, kinds, memoryMib, environment } = announced;
    demand(kinds.length > 0, "it announces no kinds of recipes");
    demand(memoryMib > 0, "it announces no memory (memory_mib): nothing fits");
    demand(Object.keys(environment).length > 0, "its environment is empty: nobody will know on what a job ran");
    for (const engine of engines) {
      const of = `its engine ${engine.name}`;
      demand(
        /^[a-z0-9-]{1,64}$/.test(engine.name),
        `${of} has a name that no job can ask for; expected lower-case letters, digits and "-"`,
      );
      demand(engine.arithmetics.length > 0, `${of} has no arithmetic`);
      for (const one of engine.arithmetics)
        demand(ARITHMETIC.test(one), `${of} has the arithmetic "${one}"; expected words such as "~train/2 images/1"`);
      demand(engine.builtInNetworks || engine.networks.length > 0, `${of} has no network: set networks, or built_in_networks`);
    }
    const { said } = await task();
    const until = performance.now() + WATCH_MS;
    while (performance.now() < until) {
      const present = (await jobs.trainers()).find((one) => one.id === id);
      demand(present, "it was gone within 6 s: AnnounceTrainer is to be called again each third of lease_seconds");
      await sleep(LOOK_MS);
    }
    return `${name}: ${said}; kinds ${kinds.join(", ")}`;
  },
};
