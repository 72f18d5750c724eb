import { readFile } from "node:fs/promises";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { type Bus, openLocalBus } from "#libs/bus";
import { annotations, buildSourceManifest, digestOf, mediaTypes, type Recipe } from "#libs/recipes";
import { connect, type RpcChannel, type ServiceClient, serve } from "#libs/rpc";
import { readSettings, type Service } from "#libs/service";
import { createLogger, type Logger } from "#libs/telemetry";
import { freePort, temporaryDirectory } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService, type Run, type RunSpec, type WatchRunResponse } from "#proto/ratatouille/v1/recycling_pb.ts";
import { createAveraging } from "../../averaging/index.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createEvaluation } from "../../evaluation/index.ts";
import { createFinetune } from "../../finetune/index.ts";
import { runTrainer, trainerSettings } from "../../trainer/index.ts";
import { createRecycling } from "../index.ts";
import type { Timing } from "../runs/timing.ts";
import { example, root } from "./plans.ts";

/** The recycling service over real gRPC and files. The services that do its work are behind a port of their own, which can be closed. */
export type TestSystem = AsyncDisposable & {
  readonly recycling: ServiceClient<typeof RecyclingService>;
  readonly catalog: ServiceClient<typeof CatalogService>;
  readonly finetune: ServiceClient<typeof FinetuneService>;
  readonly artifacts: Artifacts;
  /** To the services that do the work. */
  readonly channel: RpcChannel;
  /** The bus of all services. */
  readonly bus: Bus;
  readonly log: Logger;
  /** Where the state of the recycling service lies. */
  readonly directory: string;
  /** Time in the catalog: how far it is ahead. */
  readonly clock: { aheadMs: number };
  /** Starts a trainer, in this process. */
  startTrainer(): void;
  /** Ends the recycling service and starts it again on its files; `between` happens while it is not there. */
  restart(options?: { readonly timing?: Partial<Timing>; readonly between?: () => Promise<void> }): Promise<void>;
  /** Closes the port of the services that do the work, and opens it again. */
  readonly workers: { close(): Promise<void>; open(): Promise<void> };
  /** examples/tiny.yaml with as few jobs as a run can have and have some of each kind, on a source that is imported. */
  tiny(): Promise<RunSpec>;
  start(spec: RunSpec): Promise<Run>;
  /** All messages of the watch of a run, to its end. */
  watch(id: string): Promise<WatchRunResponse[]>;
  report(id: string, signal?: AbortSignal): Promise<string>;
  /** Jobs of a run that are queued or running. */
  openJobs(runId: string): Promise<string[]>;
  /** Deletes what nobody keeps, however young; returns the digests of the artifacts. */
  collectGarbage(): Promise<string[]>;
};

const HOUR_MS = 3_600_000;

export async function startSystem(initial: Partial<Timing> = {}): Promise<TestSystem> {
  await using opening = new AsyncDisposableStack();
  const { path: directory } = opening.use(await temporaryDirectory());
  const log = createLogger({ service: "test", level: "silent" });
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  const address = `127.0.0.1:${await freePort()}`;
  const bus = opening.use(await openLocalBus({ path: ":memory:" }));
  const channel = opening.use(connect(address));
  const services = [
    opening.use(await createCatalog({ directory, bus, log, now })),
    opening.use(await createFinetune({ directory, bus, clients: channel, log, orphanGraceMs: 0 })),
    opening.use(await createAveraging({ directory, clients: channel, log })),
    opening.use(await createEvaluation({ clients: channel, log, workers: 1 })),
  ];
  const registrations = services.flatMap((service) => service.registrations);
  const listen = () => serve({ address, services: registrations, drainMs: 0 });
  let listener = await listen();
  opening.defer(() => listener[Symbol.asyncDispose]());
  for (const service of services) opening.use(running(service));

  const open = async (timing: Partial<Timing>) => {
    await using starting = new AsyncDisposableStack();
    const service = starting.use(await createRecycling({ directory, bus, clients: channel, log, resume: false, timing }));
    const server = starting.use(await serve({ address: "127.0.0.1:0", services: service.registrations, drainMs: 0 }));
    starting.use(running(service));
    const client = starting.use(connect(server.address)).client(RecyclingService);
    return { client, stack: starting.move() };
  };
  let current = await open(initial);
  opening.defer(() => current.stack.disposeAsync());
  const artifacts = createArtifacts(channel);
  const catalog = channel.client(CatalogService);
  const finetune = channel.client(FinetuneService);
  const trainers = opening.use(new AsyncDisposableStack());
  const system = opening.move();
  return {
    get recycling() {
      return current.client;
    },
    catalog,
    finetune,
    artifacts,
    channel,
    bus,
    log,
    directory,
    clock,
    startTrainer() {
      const stop = new AbortController();
      const values = readSettings(trainerSettings, { flags: { server: address, name: "trainer-1" }, env: {} });
      const ended = runTrainer(values, { signal: stop.signal, log });
      trainers.defer(async () => {
        stop.abort();
        await ended;
      });
    },
    async restart({ timing = initial, between } = {}) {
      await current.stack.disposeAsync();
      await between?.();
      current = await open(timing);
    },
    workers: {
      async close() {
        await listener[Symbol.asyncDispose]();
      },
      async open() {
        listener = await listen();
      },
    },
    async tiny() {
      const spec = example("tiny", await importDigits(artifacts));
      Object.assign(spec.target!, { domains: [0, 30], heldOut: [30] });
      spec.auxiliaries.length = 1;
      spec.fineTuning!.members = 2;
      spec.fineTuning!.training!.steps = 10;
      spec.methods = ["member-mean", "recycling-greedy", "recycling"];
      return spec;
    },
    async start(spec) {
      return (await current.client.startRun({ spec })).run!;
    },
    async watch(id) {
      const messages: WatchRunResponse[] = [];
      for await (const message of current.client.watchRun({ id }, { timeoutMs: 60_000 })) messages.push(message);
      return messages;
    },
    async report(id, signal) {
      const chunks: Uint8Array[] = [];
      for await (const { chunk } of current.client.getReport({ id }, { timeoutMs: 30_000, signal })) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    },
    async openJobs(runId) {
      const { jobs } = await finetune.listJobs({ runId, states: [JobState.QUEUED, JobState.RUNNING], pageSize: 500 });
      return jobs.map(({ id }) => id);
    },
    async collectGarbage() {
      clock.aheadMs += 2 * HOUR_MS;
      return (await catalog.collectGarbage({})).artifacts;
    },
    [Symbol.asyncDispose]: () => system.disposeAsync(),
  };
}

/** The loops of a service, stopped when disposed. */
function running(service: Service): AsyncDisposable {
  const stop = new AbortController();
  const loops = service.run(stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await loops;
    },
  };
}

async function importDigits(artifacts: Artifacts): Promise<string> {
  const read = async (path: string) => ({ path, bytes: new Uint8Array(await readFile(`${root}data/digits/${path}`)) });
  const files = await Promise.all(["images-idx3-ubyte", "labels-idx1-ubyte"].map(read));
  const described = files.map(({ path, bytes }) => ({ path, digest: digestOf(bytes), bytes: bytes.length }));
  const recipe: Recipe = { kind: "import", inputs: {}, parameters: { files: described, licence: "CC0-1.0", source: "test" } };
  const uploaded = files.map(({ path, bytes }) =>
    artifacts.upload(bytes, { mediaType: mediaTypes.sourceLayer, annotations: { [annotations.title]: path } }),
  );
  const built = buildSourceManifest({ recipe, licences: ["CC0-1.0"], files: await Promise.all(uploaded) });
  return (await artifacts.publish(built)).digest;
}
