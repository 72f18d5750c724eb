import type { Bus } from "#libs/bus";
import { forward, implement, type RpcChannel } from "#libs/rpc";
import { runtimeName, runtimeVersion, type Service, usageHere, VERSION } from "#libs/service";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { type Backend, checkReady, describeBackend } from "./backends.ts";
import { watchEvents } from "./events.ts";

export { watchEvents } from "./events.ts";

/** Where the services are. */
export type Backends = { readonly [S in keyof typeof services]: RpcChannel };

const services = {
  catalog: CatalogService,
  finetune: FinetuneService,
  averaging: AveragingService,
  sessions: AveragingService,
  evaluation: EvaluationService,
  recycling: RecyclingService,
};

/** AveragingService is that of two programs: averages are made by one, and grow in sessions of the other. */
const ofAveraging = ["average", "checkModels", "listMethods"] as const;
const ofSessions = (Object.keys(AveragingService.method) as (keyof typeof AveragingService.method)[]).filter(
  (name) => !(ofAveraging as readonly string[]).includes(name),
);

/**
 * The one address of a system whose services are programs of their own: passes their calls on, says how they are, and
 * shows events. It has no state.
 */
export async function createGateway({ backends, bus }: { readonly backends: Backends; readonly bus: Bus }): Promise<Service> {
  const names = Object.keys(services) as (keyof Backends)[];
  const all: readonly Backend[] = names.map((name) => ({ name, channel: backends[name] }));
  const system = implement(SystemService, {
    getSystem: async () => {
      const processes = await Promise.all(all.map(describeBackend));
      return { version: VERSION, services: names, runtime: `${runtimeName()} ${runtimeVersion()}`, processes, usage: usageHere() };
    },
    watchEvents: watchEvents(bus),
  });
  return {
    name: "gateway",
    registrations: [
      system,
      forward(CatalogService, backends.catalog),
      forward(FinetuneService, backends.finetune),
      forward(AveragingService, backends.averaging, ofAveraging),
      forward(AveragingService, backends.sessions, ofSessions),
      forward(EvaluationService, backends.evaluation),
      forward(RecyclingService, backends.recycling),
    ],
    // Work happens inside calls only.
    run: async () => {},
    // Whatever is missing, it still passes on the calls to what is there.
    checks: all.map((backend) => ({
      name: backend.name,
      vital: false,
      serves: [services[backend.name as keyof Backends].typeName],
      check: () => checkReady(backend),
    })),
    [Symbol.asyncDispose]: async () => {},
  };
}
