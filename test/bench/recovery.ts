import { setTimeout as sleep } from "node:timers/promises";
import { Code, connect, isRpcError, type RpcChannel } from "#libs/rpc";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import type { LocalSystem } from "../../deploy/local/system.ts";
import type { BenchOptions } from "./benchmark.ts";
import type { Figure } from "./figures.ts";
import { SERVICES, withSystem } from "./system.ts";

type ServiceName = (typeof SERVICES)[number];

/** A call of each service that its clients may send again. Those that would need models are refused, which is an answer too. */
const calls: { readonly [S in ServiceName]: (channel: RpcChannel) => Promise<unknown> } = {
  catalog: (channel) => channel.client(CatalogService).listRefs({}),
  finetune: (channel) => channel.client(FinetuneService).listJobs({ pageSize: 1 }),
  averaging: (channel) => answered(Array.fromAsync(channel.client(AveragingService).average({}, { timeoutMs: 30_000 }))),
  sessions: (channel) => channel.client(AveragingService).listSessions({ pageSize: 1 }),
  evaluation: (channel) => answered(channel.client(EvaluationService).evaluate({})),
  recycling: (channel) => channel.client(RecyclingService).listRuns({}),
  gateway: (channel) => channel.client(SystemService).getSystem({}),
};

const PAUSE_MS = 10;
const READY_MS = 30_000;

type Recovery = { readonly ms: number; readonly errors: number };

/**
 * Each service is killed while clients call it through the gateway: how long until a call that began after the kill is answered, and how many
 * calls failed in the eyes of their callers.
 */
export async function recoveries({ runs, say }: BenchOptions): Promise<Figure[]> {
  return withSystem({ trainers: 0 }, async (system) => {
    const times = new Map<ServiceName, Recovery[]>(SERVICES.map((name) => [name, []]));
    for (let run = 1; run <= runs; run++) {
      say(`run ${run} of ${runs}: kill -9 of ${SERVICES.length} services`);
      for (const name of SERVICES) times.get(name)!.push(await recovery(system, name));
    }
    return SERVICES.flatMap((name): Figure[] => [
      { name: `${name}: kill -9 until it answers`, unit: "s", runs: times.get(name)!.map(({ ms }) => ms / 1000), atMost: 3 },
      // Of all kills: a median would hide them.
      { name: "  errors that clients saw", unit: "", runs: [times.get(name)!.reduce((sum, { errors }) => sum + errors, 0)], atMost: 0 },
    ]);
  });
}

async function recovery(system: LocalSystem, name: ServiceName): Promise<Recovery> {
  using channel = connect(system.address);
  const call = () => calls[name](channel);
  await call();
  let errors = 0;
  let killedMs = Number.POSITIVE_INFINITY;
  const recovered = Promise.withResolvers<number>();
  let over = false;
  // Calls that overlap the kill at different moments.
  const client = async () => {
    while (!over) {
      const beganMs = performance.now();
      try {
        await call();
        if (beganMs > killedMs) recovered.resolve(performance.now() - killedMs);
      } catch {
        errors += 1;
      }
      await sleep(PAUSE_MS);
    }
  };
  const clients = [client(), client(), client()];
  await sleep(5 * PAUSE_MS);
  const program = system.programs.get(name)!;
  const { pid } = program;
  program.kill("SIGKILL");
  await gone(pid);
  killedMs = performance.now();
  const ms = await recovered.promise;
  over = true;
  await Promise.all(clients);
  await program.ready(READY_MS);
  return { ms, errors };
}

/** Waits until a process that was killed answers nobody any more. */
async function gone(pid: number | undefined): Promise<void> {
  for (const deadline = performance.now() + 5000; performance.now() < deadline; await sleep(1)) {
    try {
      process.kill(pid ?? 0, 0);
    } catch {
      return;
    }
  }
}

async function answered(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isRpcError(error, Code.INVALID_ARGUMENT)) throw error;
  }
}
