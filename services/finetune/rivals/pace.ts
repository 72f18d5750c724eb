import type { JobRecord } from "../job.ts";
import type { Seen, Speeds } from "./gain.ts";

/** An attempt that runs, and how far it is. */
export type Running = {
  readonly job: JobRecord;
  readonly trainerId: string;
  readonly seen: Seen;
  /** The kind of work that it is, for `speeds`. */
  readonly work: string;
};

/** How fast trainers are, as this service sees it. In memory: after a restart nobody is known to be slow or fast. */
export type Pace = {
  began(job: JobRecord, attempt: number, trainerId: string): void;
  /** `steps` is 0 where the report says nothing. */
  reported(jobId: string, attempt: number, progress: { readonly step: number; readonly steps: number }): void;
  /** The newest state of the job of attempts that run. */
  observe(job: JobRecord): void;
  ended(jobId: string, attempt: number, completed: boolean): void;
  running(): Iterable<Running>;
  /** Of a kind of work. */
  speeds(work: string, trainerId: string): Speeds;
};

/** The usual speed is the median of so many attempts. */
const REMEMBERED = 51;
/** Kinds of work, and trainers with each, that are remembered. */
const MOST_KINDS = 1000;

type Entry = {
  job: JobRecord;
  readonly work: string;
  readonly trainerId: string;
  readonly beganAt: number;
  readonly fromStep: number;
  step: number;
  steps: number;
};
type Work = { readonly recent: number[]; usual: number; readonly byTrainer: Map<string, number> };

/** Nothing has run yet. @param now in milliseconds, by a clock that nobody sets */
export function createPace(now: () => number = () => performance.now()): Pace {
  const entries = new Map<string, Map<number, Entry>>();
  const works = new Map<string, Work>();
  const secondsOf = ({ beganAt }: Entry) => (now() - beganAt) / 1000;
  return {
    began(job, attempt, trainerId) {
      const own = entries.get(job.id) ?? new Map<number, Entry>();
      const fromStep = job.checkpointStep;
      own.set(attempt, { job, work: workOf(job), trainerId, beganAt: now(), fromStep, step: fromStep, steps: 0 });
      entries.set(job.id, own);
    },
    reported(jobId, attempt, { step, steps }) {
      const entry = entries.get(jobId)?.get(attempt);
      if (!entry) return;
      entry.step = Math.max(entry.step, step);
      entry.steps = Math.max(entry.steps, steps);
    },
    observe(job) {
      for (const entry of entries.get(job.id)?.values() ?? []) entry.job = job;
    },
    ended(jobId, attempt, completed) {
      const own = entries.get(jobId);
      const entry = own?.get(attempt);
      if (!own || !entry) return;
      own.delete(attempt);
      if (own.size === 0) entries.delete(jobId);
      const done = entry.steps - entry.fromStep;
      if (completed && done > 0) note(works, entry, done / Math.max(secondsOf(entry), 1e-3));
    },
    *running() {
      for (const own of entries.values()) {
        for (const entry of own.values()) {
          const { job, work, trainerId, fromStep, step, steps } = entry;
          yield { job, work, trainerId, seen: { seconds: secondsOf(entry), fromStep, step, steps, checkpointStep: job.checkpointStep } };
        }
      }
    },
    speeds(kind, trainerId) {
      const work = works.get(kind);
      return { own: work?.byTrainer.get(trainerId), usual: work?.usual };
    },
  };
}

function note(works: Map<string, Work>, { work: kind, trainerId }: Entry, speed: number): void {
  const work: Work = works.get(kind) ?? { recent: [], usual: speed, byTrainer: new Map() };
  if (works.size >= MOST_KINDS) works.clear();
  works.set(kind, work);
  work.recent.push(speed);
  if (work.recent.length > REMEMBERED) work.recent.shift();
  work.usual = median(work.recent);
  if (work.byTrainer.size >= MOST_KINDS) work.byTrainer.clear();
  if (trainerId !== "") work.byTrainer.set(trainerId, speed);
}

/** What decides how long a step takes, as far as the recipe says it: jobs for which it is equal are compared. */
function workOf({ recipe }: JobRecord): string {
  const {
    kind,
    arithmetic = "",
    parameters,
    inputs,
  } = JSON.parse(recipe) as {
    readonly kind: string;
    readonly arithmetic?: string;
    readonly parameters: { readonly [name: string]: unknown };
    readonly inputs: { readonly [role: string]: unknown };
  };
  const { generator, network, hidden, classes, batch, domains, trainable, train } = parameters;
  const sets = [kind === "predict" ? [] : (domains ?? inputs["datasets"] ?? [])].flat().length;
  return JSON.stringify([kind, arithmetic, generator, network, hidden, classes, batch, sets, trainable, train]);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
