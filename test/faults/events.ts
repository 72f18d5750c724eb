import { setTimeout as sleep } from "node:timers/promises";
import { type Bus, type BusMessage, connectJetStream } from "#libs/bus";
import { uniform } from "#libs/deterministic";
import { startNatsServer } from "#libs/testing";
import { streams } from "#libs/topics";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";
import { startServices } from "./services.ts";

/** A bus that delivers late, in another order and more than once; at the end everything once more, last things first. */
function meddleWith(bus: Bus, seed: number) {
  const seen: BusMessage[] = [];
  const underWay = new Set<Promise<void>>();
  const count = { late: 0, again: 0 };
  let draws = 0;
  const draw = () => uniform(seed, draws++);
  /** Under a new id: the server would drop what it knows. */
  const repeat = (message: BusMessage) => bus.publish({ ...message, id: `${message.id}/again/${++count.again}` });
  const later = (work: () => Promise<void>) => {
    const done = sleep(3_000 * draw() ** 2).then(work);
    underWay.add(done);
    done.finally(() => underWay.delete(done)).catch(() => undefined);
  };
  const meddling: Bus = {
    ...bus,
    async publish(message, options) {
      seen.push(message);
      if (draw() < 0.4) later(() => repeat(message));
      if (draw() >= 0.3) return bus.publish(message, options);
      count.late += 1;
      later(() => bus.publish(message));
    },
  };
  return {
    bus: meddling,
    count,
    async everythingAgain() {
      while (underWay.size > 0) await Promise.all(underWay);
      for (const message of seen.toReversed()) await repeat(message);
    },
  };
}

/** Real offers and events on a real server, doubled, held back and out of order. */
export function meddledEvents(name: string, runs: number, { subset, limitMs }: Pick<Case, "subset" | "limitMs">): Case {
  return {
    name,
    subset,
    limitMs,
    async run({ seed, directory, signal, reference }) {
      const sandbox = await makeSandbox(directory);
      let said = "";
      {
        await using nats = await startNatsServer();
        await using bus = await connectJetStream({ servers: nats.address, streams });
        const meddled = meddleWith(bus, seed);
        await using services = await startServices({ sandbox, bus: meddled.bus });
        const system = { address: services.address, data: sandbox.data };
        for (let run = 1; run <= runs; run++) {
          const recycled = await recycle(services.address, await runFileOf(run), { signal });
          await checkRunning(system, run, recycled, reference());
          await meddled.everythingAgain();
          // A run after all that takes what is offered in vain out of the queues.
          const { jobs, attempts } = await checkRunning(system, run, recycled, reference());
          const { late, again } = meddled.count;
          said = `${runs} runs, ${late} messages late, ${again} repeated, ${attempts} attempts for ${jobs} jobs`;
        }
      }
      await checkStopped(sandbox);
      return said;
    },
  };
}
