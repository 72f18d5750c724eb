import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bus, connectJetStream } from "#libs/bus";
import { type ConnectOptions, connect, type RpcChannel, routeClients } from "#libs/rpc";
import {
  type CommonValues,
  exitWhenParentIsGone,
  type HealthCheck,
  hostService,
  type NatsAccessValues,
  readNatsAccess,
  readSettings,
  readTls,
  type Service,
  type Settings,
  type Sources,
  UsageError,
  type Values,
  VERSION,
} from "#libs/service";
import { lockDirectory } from "#libs/storage";
import { createLogger, type Logger } from "#libs/telemetry";
import { consumers, streams } from "#libs/topics";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { settings as averagingSettings, scratchBytes } from "../../../averaging/settings.ts";
import { settings as catalogSettings } from "../../../catalog/settings.ts";
import { settings as evaluationSettings } from "../../../evaluation/settings.ts";
import { settings as finetuneSettings } from "../../../finetune/settings.ts";
import { settings as gatewaySettings } from "../../../gateway/settings.ts";
import { settings as ociSettings } from "../../../oci/settings.ts";
import { settings as recyclingSettings } from "../../../recycling/settings.ts";
import { sessionLimits, settings as sessionSettings } from "../../../sessions/settings.ts";
import { settings as webSettings } from "../../../web/settings.ts";
import type { CommandContext } from "../../context.ts";
import { fileProblem } from "../../file-problem.ts";
import { type ConfiguredOptions, printedConfig } from "../configured.ts";

/** Where the bus is, and how it is reached. */
type BusValues = NatsAccessValues & { readonly nats: readonly string[] };

/** What a service gets to be made of. */
type ServiceNeeds = {
  readonly log: Logger;
  readonly stack: AsyncDisposableStack;
  /** Its own folder in the data directory, locked. */
  directory(data: string): Promise<string>;
  bus(values: BusValues): Promise<Bus>;
  channel(address: string): RpcChannel;
  /** Of what it was given. */
  readonly checks: readonly HealthCheck[];
};

type Program<S extends Settings = Settings> = {
  /** One sentence for the help. */
  readonly summary: string;
  readonly settings: S;
  /** Loads the service, and nothing of the others. */
  readonly make: (values: Values<S>, needs: ServiceNeeds) => Promise<Service>;
};

const program = <const S extends Settings>(
  summary: string,
  settings: S,
  make: (values: Values<S>, needs: ServiceNeeds) => Promise<Service>,
) => ({ summary, settings, make }) as unknown as Program;

/** Attempts of an earlier life of the fine-tune service may take so long to report again: trainers outlive it. */
const ORPHAN_GRACE_MS = 15_000;

/** The services that are programs. */
export const programs: Readonly<Record<string, Program>> = {
  catalog: program("Artifacts, their lineage and their bytes.", catalogSettings, async (values, needs) => {
    const { createCatalog } = await import("../../../catalog/index.ts");
    return createCatalog({ directory: await needs.directory(values.data), bus: await needs.bus(values), log: needs.log });
  }),
  finetune: program("Training jobs: queue, attempts, leases; hands work to trainers.", finetuneSettings, async (values, needs) => {
    const { data, catalog, leaseSeconds } = values;
    const { createFinetune } = await import("../../../finetune/index.ts");
    return createFinetune({
      directory: await needs.directory(data),
      bus: await needs.bus(values),
      clients: needs.channel(catalog),
      log: needs.log,
      leaseSeconds,
      orphanGraceMs: ORPHAN_GRACE_MS,
    });
  }),
  averaging: program("Averages of models.", averagingSettings, async ({ data, catalog, store, ...limits }, needs) => {
    const { createAveraging } = await import("../../../averaging/index.ts");
    const directory = await needs.directory(data);
    return createAveraging({ directory, clients: needs.channel(catalog), log: needs.log, scratchBytes: scratchBytes(limits), store });
  }),
  sessions: program("Averages that grow while contributions arrive.", sessionSettings, async ({ data, catalog, ...limits }, needs) => {
    const { createSessions } = await import("../../../sessions/index.ts");
    const directory = await needs.directory(data);
    return createSessions({
      directory,
      earlier: join(data, "averaging"),
      clients: needs.channel(catalog),
      log: needs.log,
      limits: sessionLimits(limits),
    });
  }),
  evaluation: program("What models are worth on data.", evaluationSettings, async ({ catalog }, needs) => {
    const { createEvaluation } = await import("../../../evaluation/index.ts");
    return createEvaluation({ clients: needs.channel(catalog), log: needs.log });
  }),
  oci: program("The catalog as an OCI registry: pull and push models with oras and its kin.", ociSettings, async (values, needs) => {
    const { http, catalog, blobs, token, insecure } = values;
    const { createOci } = await import("../../../oci/index.ts");
    const listener = { address: http, token, insecure, tls: await readTls(values) };
    return createOci({ ...listener, clients: needs.channel(catalog), log: needs.log, directory: blobs });
  }),
  recycling: program("Recycling runs: plans them, drives them, reports.", recyclingSettings, async (values, needs) => {
    const { createRecycling } = await import("../../../recycling/index.ts");
    const others = {
      gateway: needs.channel(values.gateway),
      catalog: needs.channel(values.catalog),
      finetune: needs.channel(values.finetune),
      averaging: needs.channel(values.averaging),
      sessions: needs.channel(values.sessions),
      evaluation: needs.channel(values.evaluation),
    };
    const clients = routeClients([
      [CatalogService, others.catalog],
      [FinetuneService, others.finetune],
      [AveragingService, others.averaging],
      [EvaluationService, others.evaluation],
    ]);
    const directory = await needs.directory(values.data);
    const processes = { own: "recycling", others };
    return createRecycling({ directory, bus: await needs.bus(values), clients, log: needs.log, resume: true, processes });
  }),
  gateway: program("The one address of all services, for clients and trainers.", gatewaySettings, async (values, needs) => {
    const { catalog, finetune, averaging, sessions, evaluation, recycling } = values;
    const { createGateway } = await import("../../../gateway/index.ts");
    const backends = {
      catalog: needs.channel(catalog),
      finetune: needs.channel(finetune),
      averaging: needs.channel(averaging),
      sessions: needs.channel(sessions),
      evaluation: needs.channel(evaluation),
      recycling: needs.channel(recycling),
    };
    return createGateway({ backends, bus: await needs.bus(values) });
  }),
  web: program("The API over HTTP, for people and browsers.", webSettings, async (values, needs) => {
    const { http: address, gateway, origins, token, insecure } = values;
    const { createWeb } = await import("../../../web/index.ts");
    const tls = await readTls(values);
    return createWeb({ clients: needs.channel(gateway), log: needs.log, address, tls, token, insecure, origins });
  }),
};

/** `ratatouille serve NAME`: one service in this process, until it is asked to stop. */
export async function serveService(name: string, options: ConfiguredOptions, { stack, signal, stdout }: CommandContext): Promise<number> {
  const { settings, make } = programOf(name);
  const sources: Sources = { flags: options, env: process.env };
  if (options.printConfig) {
    stdout.write(printedConfig(settings, sources, stdout, options.json));
    readSettings(settings, sources);
    return 0;
  }
  // Every service has the common settings and listens: see the settings.ts of each.
  const values = readSettings(settings, sources) as Values<Settings> & CommonValues;
  exitWhenParentIsGone();
  const log = createLogger({ service: name, level: values.logLevel });
  const needs = serviceNeeds(name, values, { stack, log });
  const service = stack.use(await make(values, needs));
  await hostService({ ...service, checks: [...service.checks, ...needs.checks] }, { values, log, signal });
  return 0;
}

function programOf(name: string): Program {
  const found = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (found === undefined) throw new UsageError(`there is no service ${name}; there are ${Object.keys(programs).join(", ")}`);
  return found;
}

function serviceNeeds(name: string, values: CommonValues, { stack, log }: Pick<ServiceNeeds, "stack" | "log">): ServiceNeeds {
  const options: ConnectOptions = {
    token: values.token,
    insecure: values.insecure,
    ...(values.ca ? { tls: { ca: readPem(values.ca) } } : {}),
  };
  const checks: HealthCheck[] = [];
  return {
    checks,
    log,
    stack,
    async directory(data) {
      const directory = join(data, name);
      stack.use(await lockDirectory(directory, { version: VERSION, command: `ratatouille serve ${name}` }));
      return directory;
    },
    async bus(reached) {
      const bus = stack.use(await connectJetStream({ servers: reached.nats, ...readNatsAccess(reached), streams, consumers, log }));
      // Without it a service goes on with all that its callers ask for; its events wait.
      checks.push({ name: "bus", vital: false, check: () => bus.check() });
      return bus;
    },
    channel: (address) => stack.use(connect(address, options)),
  };
}

function readPem(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError(`cannot read the certificate ${path}: ${fileProblem(cause)}`, { cause });
  }
}
