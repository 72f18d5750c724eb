import { join } from "node:path";
import type { Bus } from "#libs/bus";
import { connect, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { freePort } from "#libs/testing";
import { createAveraging } from "../../services/averaging/index.ts";
import { createCatalog } from "../../services/catalog/index.ts";
import { createEvaluation } from "../../services/evaluation/index.ts";
import { createFinetune } from "../../services/finetune/index.ts";
import { createRecycling } from "../../services/recycling/index.ts";
import { startTrainer } from "../trainer/system.ts";
import type { Sandbox } from "./sandbox.ts";

/** All services in this process, where a test can put its hands between them, and trainers as processes. */
export type Services = AsyncDisposable & {
  readonly address: string;
  /** Where the second recycling service is, which has a database of its own. */
  readonly second: string;
};

/** Starts them over a bus. `now` is the clock of the services that are given one. */
export async function startServices({
  sandbox: { data, env },
  bus,
  now = Date.now,
}: {
  readonly sandbox: Sandbox;
  readonly bus: Bus;
  readonly now?: () => number;
}): Promise<Services> {
  await using opening = new AsyncDisposableStack();
  const log = createLogger({ service: "faults", destination: join(data, "services.log") });
  const address = `127.0.0.1:${await freePort()}`;
  const channel = opening.use(connect(address));
  const of = (name: string) => ({ directory: join(data, name), bus, clients: channel, log });
  const second = opening.use(await createRecycling({ ...of("recycling-2"), resume: true }));
  const services = [
    opening.use(await createCatalog({ ...of("catalog"), now })),
    opening.use(await createFinetune({ ...of("finetune"), now, orphanGraceMs: 3_000 })),
    opening.use(await createAveraging(of("averaging"))),
    opening.use(await createEvaluation({ clients: channel, log })),
    opening.use(await createRecycling({ ...of("recycling"), resume: true })),
  ];
  const registrations = services.flatMap((service) => service.registrations);
  opening.use(await serve({ address, services: registrations, log, drainMs: 200 }));
  const other = opening.use(await serve({ address: "127.0.0.1:0", services: second.registrations, log, drainMs: 200 }));
  const stop = new AbortController();
  const loops = [...services, second].map((service) => service.run(stop.signal));
  opening.defer(async () => {
    stop.abort();
    await Promise.all(loops);
  });
  opening.defer(() => channel.close());
  for (const name of ["trainer-1", "trainer-2"]) {
    const trainer = opening.use(startTrainer(address, { RATATOUILLE_TRAINER_NAME: name, ...env }));
    // As at the end of a system. Where it does not end by itself, the check says that a process is left.
    opening.defer(async () => void trainer.child.kill("SIGTERM"));
  }
  const open = opening.move();
  return { address, second: other.address, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
