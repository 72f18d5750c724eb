import { mkdir } from "node:fs/promises";
import { uniform } from "#libs/deterministic";
import type { Digest } from "#libs/recipes";
import { startProxy, type TcpProxy, waitFor } from "#libs/testing";
import type { Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Candidate, startCandidate } from "./candidate.ts";
import { type Data, type Form, makeData } from "./data.ts";
import { createJobs, isOver, type Jobs } from "./jobs.ts";
import { type Server, startServer } from "./server.ts";
import { chooseTask, type Task } from "./task.ts";

/** How a trainer is put through. */
export type Options = {
  readonly command: readonly string[];
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly network?: string;
  readonly form?: Form;
  readonly steps: number;
  readonly seed: number;
  /** Its bytes are the same however it was interrupted. */
  readonly deterministic: boolean;
  /** It saves none, and says so. */
  readonly withoutCheckpoints: boolean;
  /** So long it may take until it announces itself. */
  readonly startMs: number;
  /** So long it may take to end what it is asked to end. */
  readonly stopMs: number;
  /** So long it may take from SIGTERM to its end. */
  readonly drainMs: number;
  /** How often it is killed. */
  readonly kills: number;
};

/** A candidate that has announced itself. */
export type Running = Candidate & { readonly id: string; readonly announced: Trainer };

/** A system, its data, and the trainer that is put through. */
export type Bench = AsyncDisposable & {
  readonly options: Options;
  readonly server: Server;
  readonly jobs: Jobs;
  /** Between the trainer and the system. */
  readonly proxy: TcpProxy;
  /** Where the proxy leads; undefined: to the system. */
  detour: string | undefined;
  readonly directory: string;
  /** The trainer that runs; one is started where there is none. */
  trainer(): Promise<Running>;
  /** Starts another one beside it. */
  another(env?: Readonly<Record<string, string>>): Promise<Running>;
  /** Kills the trainer, and starts one with other variables in its place. */
  restart(env: Readonly<Record<string, string>>): Promise<Running>;
  /** Recipes that it runs. */
  task(): Promise<Task>;
  /** A model to go on from, made by the trainer itself. */
  foundation(): Promise<Digest>;
  /** Steps a second of a training, once they were measured. */
  perSecond: number | undefined;
  /** A number that no recipe has yet as its seed. */
  newSeed(): number;
  /** 0 to 1, by the seed of the suite. */
  random(): number;
  /** Kills the trainers of the bench, and forgets them. */
  dismiss(): Promise<void>;
  /** Cancels what is left of a check. */
  tidy(): Promise<void>;
  /** What the trainer that was started last has said. */
  lastLines(count: number): string[];
};

/** The command is none that starts a trainer: it will not start one for the next check either. */
export class NotStarted extends Error {
  override readonly name = "NotStarted";
  constructor(code: number | NodeJS.Signals) {
    super(`the command ended (${code}) before it announced a trainer`);
  }
}

/** Training time between checkpoints that trainers are asked for, so that nobody has to wait for one. */
const CHECKPOINT_MS = 300;

/** A system that has the data, and no trainer. */
export type Place = AsyncDisposable & Pick<Bench, "server" | "jobs" | "directory"> & { readonly data: Readonly<Record<Form, Data>> };

/** Starts a system and makes the data. */
export async function openPlace(directory: string): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startServer(`${directory}/data`));
  const jobs = createJobs(server.channel);
  const data = await makeData(server, jobs);
  const open = opening.move();
  return { server, jobs, directory, data, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** What a trainer is put through with. It starts when a check asks for it. */
export async function openBench({ server, jobs, directory, data }: Place, options: Options): Promise<Bench> {
  await using opening = new AsyncDisposableStack();
  const state = { detour: undefined as string | undefined, seeds: 0, draws: 0, started: 0 };
  const proxy = opening.use(await startProxy(() => state.detour ?? server.address));
  const candidates: Candidate[] = [];
  let own: Running | undefined;
  const dismiss = async () => {
    own = undefined;
    await Promise.all(candidates.map((one) => one.kill()));
  };
  opening.defer(dismiss);

  const another: Bench["another"] = async (env = {}) => {
    const before = new Set((await jobs.trainers()).map(({ id }) => id));
    state.started += 1;
    const temporary = `${directory}/trainer-${state.started}`;
    await mkdir(temporary, { recursive: true });
    const name = `candidate-${state.started}`;
    const variables = {
      RATATOUILLE_TRAINER_NAME: name,
      RATATOUILLE_CHECKPOINT_MS: String(CHECKPOINT_MS),
      RATATOUILLE_CACHE_DIR: `${temporary}/cache`,
      TMPDIR: temporary,
      ...options.env,
      ...env,
    };
    const candidate = startCandidate(options.command, { address: proxy.address, env: variables });
    candidates.push(candidate);
    candidate.process.ended.catch(() => undefined);
    const announced = await waitFor(
      async () => {
        const found = (await jobs.trainers()).find(({ id }) => !before.has(id));
        return found ?? (candidate.process.running() ? undefined : "ended");
      },
      { timeoutMs: options.startMs, intervalMs: 50, what: "AnnounceTrainer" },
    ).catch((cause: unknown) => {
      throw new Error(`the trainer has not announced itself, with an id that no other has, within ${options.startMs / 1000} s`, {
        cause: (cause as Error).cause,
      });
    });
    if (announced === "ended") throw new NotStarted(await candidate.process.ended);
    return { ...candidate, id: announced.id, announced };
  };
  const trainer = async () => {
    if (own && !own.process.running()) own = undefined;
    own ??= await another();
    return own;
  };
  let task: Task | undefined;
  let foundation: Digest | undefined;
  const newSeed = () => {
    state.seeds += 1;
    return 1000 * options.seed + state.seeds;
  };
  const bench: Bench = {
    options,
    server,
    jobs,
    proxy,
    directory,
    get detour() {
      return state.detour;
    },
    set detour(value) {
      state.detour = value;
    },
    trainer,
    another,
    async restart(env) {
      await dismiss();
      own = await another(env);
      return own;
    },
    async task() {
      task ??= chooseTask((await trainer()).announced, data, options);
      return task;
    },
    async foundation() {
      const given = await bench.task();
      await trainer();
      foundation ??= await jobs.make(given.training({ seed: newSeed() }), given);
      return foundation;
    },
    perSecond: undefined,
    newSeed,
    random() {
      state.draws += 1;
      return uniform(options.seed, state.draws);
    },
    dismiss,
    async tidy() {
      const open = (await jobs.all()).filter((job) => !isOver(job));
      for (const { id } of open) await jobs.cancel(id);
    },
    lastLines: (count) => candidates.at(-1)?.process.lines.slice(-count) ?? [],
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
  const open = opening.move();
  return bench;
}
