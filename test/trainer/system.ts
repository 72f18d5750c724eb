import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { canonicalRecipe, type Digest, type Measurement, type Recipe } from "#libs/recipes";
import { connect, type ServiceRegistration, serve } from "#libs/rpc";
import { signalChild, spawnScript } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { freePort } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import {
  FinetuneService,
  type Job,
  type JobNeedsSchema,
  JobState,
  type SaveCheckpointRequest,
  SaveCheckpointRequestSchema,
} from "#proto/ratatouille/v1/finetune_pb.ts";
import { createAveraging } from "../../services/averaging/index.ts";
import { createCatalog } from "../../services/catalog/index.ts";
import { createEvaluation } from "../../services/evaluation/index.ts";
import { createFinetune } from "../../services/finetune/index.ts";

/** A system for trainers. */
export type System = Awaited<ReturnType<typeof startSystem>>;

/** What a submission asks for. */
type AskedNeeds = MessageInitShape<typeof JobNeedsSchema>;

type Options = {
  readonly leaseSeconds?: number;
  /** Told of each checkpoint once it is recorded; its trainer hears of that afterwards. Until then no attempt ends. */
  readonly onCheckpoint?: (saved: SaveCheckpointRequest) => unknown;
};

/** Catalog, finetune, averaging, evaluation and bus on one port of this process. */
export async function startSystem(directory: string, { onCheckpoint = () => undefined, ...options }: Options = {}) {
  await using opening = new AsyncDisposableStack();
  const log = createLogger({ service: "test", level: "silent" });
  const address = `127.0.0.1:${await freePort()}`;
  const bus = opening.use(await openLocalBus({ path: ":memory:" }));
  const channel = opening.use(connect(address));
  const services = [
    opening.use(await createCatalog({ directory, bus, log })),
    opening.use(await createFinetune({ directory, bus, clients: channel, log, orphanGraceMs: 0, ...options })),
    opening.use(await createAveraging({ directory, clients: channel, log })),
    opening.use(await createEvaluation({ clients: channel, log, workers: 1 })),
  ];
  const own = services.flatMap((service) => service.registrations);
  const registrations = own.map((one) => watched(one, onCheckpoint));
  opening.use(await serve({ address, services: registrations, drainMs: 200 }));
  const stop = new AbortController();
  const loops = services.map((service) => service.run(stop.signal));
  opening.defer(async () => {
    stop.abort();
    await Promise.allSettled(loops);
  });
  // First of all the client goes: Deno 2.9 aborts in nghttp2 when a GOAWAY reaches a session that has just closed streams.
  opening.defer(() => channel.close());
  const jobs = channel.client(FinetuneService);
  const open = opening.move();
  const job = async (id: string): Promise<Job> => (await jobs.getJob({ id })).job!;
  const submit = async (recipe: Recipe, options: { runId?: string; reproduce?: boolean; needs?: AskedNeeds } = {}): Promise<Job> => {
    const submitted = await jobs.submitJob({ recipe: canonicalRecipe(recipe), label: recipe.kind, runId: "run-000000000001", ...options });
    return submitted.job!;
  };
  /** Waits until a job is as it should be, without asking again and again. */
  const until = async (id: string, isSo: (job: Job) => boolean, what: string): Promise<Job> => {
    for await (const { jobs: changed } of jobs.watchJobs({}, { timeoutMs: 100_000 })) {
      if (changed.some((one) => one.id === id && isSo(one))) return job(id);
    }
    throw new Error(`the watch ended before ${what} of job ${id}`);
  };
  /** Waits until a job has come to a state, or has failed. */
  const reached = async (id: string, state: JobState): Promise<Job> => {
    const found = await until(id, (one) => one.state === state || one.state === JobState.FAILED, `state ${state}`);
    if (found.state !== state) throw new Error(`job ${id} failed: ${found.error}`);
    return found;
  };
  /** Waits until a trainer reports of a training, later than at a step, and gives the step that it is at. */
  const trains = async (id: string, after = 0): Promise<number> => {
    const { progress } = await until(id, (one) => (one.progress?.step ?? 0) > after, `a step after ${after}`);
    return progress!.step;
  };
  return {
    address,
    jobs,
    artifacts: createArtifacts(channel),
    job,
    submit,
    reached,
    trains,
    /** Averages models. */
    async average(recipe: Recipe): Promise<Digest> {
      const events = await Array.fromAsync(
        channel.client(AveragingService).average({ recipe: canonicalRecipe(recipe) }, { timeoutMs: 60_000 }),
      );
      const last = events.at(-1)?.event;
      if (last?.case !== "artifact") throw new Error("there is no average");
      return last.value.digest as Digest;
    },
    /** Measures predictions. */
    async measure(recipe: Recipe): Promise<Measurement> {
      const { result } = await channel.client(EvaluationService).evaluate({ recipe: canonicalRecipe(recipe) });
      return JSON.parse(result) as Measurement;
    },
    /** Submits a recipe, waits until a trainer has run it, and gives the artifact's digest. */
    async make(recipe: Recipe, needs?: AskedNeeds): Promise<Digest> {
      const { id, artifact } = await submit(recipe, needs ? { needs } : {});
      return (artifact || (await reached(id, JobState.SUCCEEDED)).artifact) as Digest;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The same service, which tells of checkpoints. */
function watched({ methods, ...rest }: ServiceRegistration, onCheckpoint: NonNullable<Options["onCheckpoint"]>): ServiceRegistration {
  const watch = (one: (typeof methods)[number]): typeof one => {
    if (one.method !== FinetuneService.method.saveCheckpoint) return one;
    return {
      ...one,
      async *handler(requests, context) {
        const [bytes = new Uint8Array()] = await Array.fromAsync(requests);
        const replies = await Array.fromAsync(one.handler(only(bytes), context));
        await onCheckpoint(fromBinary(SaveCheckpointRequestSchema, bytes));
        yield* replies;
      },
    };
  };
  return { ...rest, methods: methods.map(watch) };
}

async function* only<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value;
}

const trainerScript = fileURLToPath(new URL("../../services/cli/main.ts", import.meta.url));

/** A trainer as a child process, killed when disposed. */
export function startTrainer(address: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawnScript(trainerScript, ["trainer"], {
    env: { RATATOUILLE_SERVER: address, RATATOUILLE_TRAINER_NAME: "trainer-1", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    child,
    ended,
    output: () => output,
    kill(signal: NodeJS.Signals = "SIGKILL") {
      signalChild(child, signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      signalChild(child, "SIGKILL");
      await ended;
    },
  };
}
