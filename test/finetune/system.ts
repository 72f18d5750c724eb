import { readFile } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { sql } from "kysely";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { type Bus, openLocalBus } from "#libs/bus";
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import { buildDatasetManifest, canonicalRecipe, type Digest, type GlyphsParameters, mediaTypes, type Recipe } from "#libs/recipes";
import { connect, type ServiceClient, serve } from "#libs/rpc";
import { openDatabase } from "#libs/storage";
import { createLogger } from "#libs/telemetry";
import { freePort, temporaryDirectory } from "#libs/testing";
import { jobFinished, workTopicsFor } from "#libs/topics";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { JobFinished } from "#proto/ratatouille/v1/events_pb.ts";
import { FinetuneService, type Job, type JobNeedsSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { createCatalog } from "../../services/catalog/index.ts";
import { createFinetune } from "../../services/finetune/index.ts";
import { type JobTables, migrations } from "../../services/finetune/tables.ts";

/** What a submission asks for. */
type AskedNeeds = MessageInitShape<typeof JobNeedsSchema>;

export type Options = {
  orphanGraceMs?: number;
  leaseSeconds?: number;
  presenceSeconds?: number;
  sweepMs?: number;
  loops?: boolean;
  /** The bus; without it one in memory, with whose messages `offers` and `finished` are filled. */
  bus?: Bus;
};

/** The finetune service over real gRPC and files, with a catalog, a bus and a clock to move. */
export type System = AsyncDisposable & {
  readonly jobs: ServiceClient<typeof FinetuneService>;
  readonly catalog: ServiceClient<typeof CatalogService>;
  readonly artifacts: Artifacts;
  readonly bus: Bus;
  readonly clock: { aheadMs: number };
  /** Ids of offered jobs, as they come from the bus to a trainer without GPU; and the finished ones. */
  readonly offers: string[];
  readonly finished: JobFinished[];
  submit(recipe: Recipe, options?: { runId?: string; reproduce?: boolean; label?: string; needs?: AskedNeeds }): Promise<Job>;
  /** Publishes what a trainer would make of a recipe of drawn symbols. */
  publish(recipe: Recipe): Promise<Digest>;
  begin(jobId: string, trainer?: string): Promise<number>;
  /** The bus tells that it has lost what it had, or what it had before a time. */
  reset(beforeMs?: number): void;
  /** What was logged of warnings and errors. */
  logged(): Promise<string>;
  /** Runs SQL on the database of the finetune service, as another process. */
  sql(text: string): Promise<void>;
  /** Ends the finetune service, without a word to anybody, and opens it again on its files. */
  restart(options?: Options): Promise<void>;
};

/** Starts a system in a directory of its own. */
export async function startSystem(options: Options = {}): Promise<System> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const log = createLogger({ service: "test", level: "warn", destination: directory.join("log") });
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  const { bus: given, ...own } = options;
  const bus = given ?? opening.use(await openLocalBus({ path: ":memory:" }));
  // A local bus never loses anything; that of a system of several processes may.
  const resets = new Set<(beforeMs: number) => void>();
  const forgetful: Pick<Bus, "publish" | "subscribe" | "unsettled" | "check" | "onReset"> = {
    publish: bus.publish,
    subscribe: bus.subscribe,
    unsettled: bus.unsettled,
    check: bus.check,
    onReset(listener) {
      resets.add(listener);
      return { [Symbol.dispose]: () => void resets.delete(listener) };
    },
  };
  const catalog = opening.use(await createCatalog({ directory: directory.path, bus, log, now }));
  const catalogServer = opening.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, drainMs: 0 }));
  const channel = opening.use(connect(catalogServer.address));
  const artifacts = createArtifacts(channel);
  const address = `127.0.0.1:${await freePort()}`;

  const start = async ({ loops = true, ...more }: Omit<Options, "bus">) => {
    await using starting = new AsyncDisposableStack();
    const service = starting.use(
      await createFinetune({ directory: directory.path, bus: forgetful, clients: channel, log, now, orphanGraceMs: 0, ...more }),
    );
    starting.use(await serve({ address, services: service.registrations, drainMs: 0 }));
    const stop = new AbortController();
    const running = loops ? service.run(stop.signal) : undefined;
    starting.defer(async () => {
      stop.abort();
      await running;
    });
    return starting.move();
  };
  let running = await start(own);
  opening.defer(() => running.disposeAsync());
  const jobs = opening.use(connect(address)).client(FinetuneService);

  const offers: string[] = [];
  const finished: JobFinished[] = [];
  const listening = new AbortController();
  const consumer = { durable: "test", concurrency: 1, signal: listening.signal };
  const work = workTopicsFor({ device: "cpu", backends: ["wasm", "cpu"], memoryMib: 65_536 });
  const consuming = given
    ? []
    : [
        bus.consume(work, consumer, async ({ jobId }) => void offers.push(jobId)),
        bus.consume(jobFinished, consumer, async (event) => void finished.push(event)),
      ];
  opening.defer(async () => {
    listening.abort();
    await Promise.all(consuming);
  });
  const open = opening.move();
  return {
    jobs,
    catalog: channel.client(CatalogService),
    artifacts,
    bus,
    clock,
    offers,
    finished,
    async submit(recipe, { runId = "run-1", ...more } = {}) {
      return (await jobs.submitJob({ recipe: canonicalRecipe(recipe), runId, ...more })).job!;
    },
    async publish(recipe) {
      const file = encodeDataset(generateGlyphs(recipe.parameters as GlyphsParameters, recipe.seed ?? 0));
      const data = await artifacts.upload(file, { mediaType: mediaTypes.datasetLayer });
      return (await artifacts.publish(buildDatasetManifest({ recipe, licences: [], data }))).digest as Digest;
    },
    begin: async (jobId, trainer = "trainer-1") => (await jobs.beginAttempt({ jobId, trainer })).attempt,
    reset(beforeMs = Infinity) {
      for (const listener of resets) listener(beforeMs);
    },
    logged: () => readFile(directory.join("log"), "utf8"),
    async sql(text) {
      await using database = await openDatabase<JobTables>({ path: directory.join("finetune.sqlite"), migrations });
      await sql.raw(text).execute(database.query);
    },
    async restart(changes = own) {
      await running.disposeAsync();
      running = await start(changes);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** A recipe of its own for each number. Nothing runs it here. */
export function recipeOf(number: number): Recipe {
  const parameters = { generator: "glyphs/1", classes: 6, images: 12, styles: ["plain"], rotation: 0, alphabetSeed: 9 };
  return { kind: "dataset", inputs: {}, seed: number, parameters };
}

/** A progress stream that a test feeds, ends or breaks. */
export function reportStream(jobs: ServiceClient<typeof FinetuneService>, jobId: string, attempt: number) {
  const breaking = new AbortController();
  let wake = Promise.withResolvers<boolean>();
  async function* requests() {
    for (let step = 1; ; step++) {
      yield { jobId, attempt, progress: { step, steps: 100, loss: 1 / step } };
      const more = await wake.promise;
      wake = Promise.withResolvers();
      if (!more) return;
    }
  }
  const ended = jobs.reportProgress(requests(), { timeoutMs: 0, signal: breaking.signal });
  ended.catch(() => undefined);
  return {
    /** The response, or the error that ended it. */
    ended,
    report: () => wake.resolve(true),
    end: () => wake.resolve(false),
    break: () => breaking.abort(),
  };
}
