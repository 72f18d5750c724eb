import { failedPrecondition, type RpcError, unavailable } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import { quote } from "#libs/text";
import { devices, workTopics, workTopicsFor } from "#libs/topics";
import { parkedTrainer } from "../errors.ts";
import type { JobRecord } from "../job.ts";
import type { JobStore } from "../store.ts";
import type { Presence, PresentTrainer } from "../trainers/presence.ts";
import type { Waiting } from "../trainers/waiting.ts";
import type { Held, WorkBus } from "./held.ts";
import { createOffers } from "./offers.ts";
import { openWorkQueue, type WorkQueue } from "./queue.ts";

/** Work from the bus, for trainers that wait. */
export type HandOver = AsyncDisposable & {
  /**
   * Waits for a job for a trainer; undefined if there is none within the wait.
   * @param signal aborts when the call of the trainer ends, also after this has resolved: a job that has not begun then is given back
   * @throws RpcError FAILED_PRECONDITION (TRAINER_UNKNOWN, TRAINER_PARKED), UNAVAILABLE while this service ends or the bus does not let it take work
   */
  take(trainerId: string, waitMs: number, signal: AbortSignal): Promise<Offered | undefined>;
  /** The newest state of a job. */
  observe(job: JobRecord): void;
  /** A trainer has not begun a job that it was handed, because it is not for it. */
  refuse(jobId: string, trainerId: string): void;
  /** Looks again at who waits, after a change of the trainers that are there. */
  review(): void;
  /** Hands jobs that run elsewhere to those who have waited in vain. @param find gives such a job for a trainer */
  lend(find: (trainerId: string) => string | undefined): void;
  /** Nobody waits any more: this service ends. */
  stop(): void;
};

/** A job for a trainer, and the trace to which what is done about it belongs. */
export type Offered = { readonly jobId: string; readonly traceparent: string };

type Waiter = {
  readonly trainerId: string;
  /** The queues that it takes from. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Since when it waits, by a clock that nobody sets. */
  readonly since: number;
  resolve(offered: Offered | undefined): void;
  reject(error: RpcError): void;
};

/** A job that none of those who wait can run is asked about again after so long, twice as long each time. */
const UNFIT_MS = 250;
const UNFIT_MOST_MS = 15_000;
/** What is queued has come within this time. */
const IN_VAIN_MS = 1_000;
/** The database did not answer. */
const RETRY_MS = 1_000;

type Dependencies = {
  readonly bus: WorkBus;
  readonly store: Pick<JobStore, "get">;
  readonly presence: Pick<Presence, "get" | "parked">;
  readonly waiting: Pick<Waiting, "firstFor" | "fits">;
  readonly log: Logger;
};

/**
 * Hands over the work of the bus. A message stays in hand, unacknowledged, until the attempt at its job has ended: what is queued and what
 * runs together is the backlog of the bus. Which job a trainer may begin is not decided here.
 */
export function createHandOver({ bus, store, presence, waiting, log }: Dependencies): HandOver {
  const queues = new Map<string, WorkQueue>();
  /** In the order in which they came. */
  const waiters = new Set<Waiter>();
  const offers = createOffers();
  /** Jobs that none of those could run who waited when their messages came, which come again later. */
  const passedOver = new Map<string, Held>();
  let ending = false;

  const leave = (waiter: Waiter) => {
    if (waiters.delete(waiter)) queues.get(waiter.key)?.leave();
  };

  const enter = (waiter: Waiter, trainer: PresentTrainer) => {
    for (const [jobId, held] of passedOver)
      if (waiting.fits(jobId, waiter.trainerId) && !offers.has(jobId)) return void handTo(waiter, held, undefined);
    waiters.add(waiter);
    const known = queues.get(waiter.key);
    if (known) return known.want();
    const queue = openWorkQueue({
      bus,
      topics: topicsOf(trainer),
      onMessage: (held) => arrived(held, waiter.key).catch((err: unknown) => failed(held, err)),
      onEnd(error) {
        if (queues.get(waiter.key) === queue) queues.delete(waiter.key);
        if (error === undefined) return;
        log.error({ err: error, trainer: trainer.name }, "the bus does not let this service take work");
        for (const other of [...waiters].filter(({ key }) => key === waiter.key)) {
          waiters.delete(other);
          other.reject(unavailable(`no work can be taken from the bus: ${(error as Error).message}`, { reason: "BUS_REFUSED" }));
        }
      },
    });
    queues.set(waiter.key, queue);
    queue.want();
  };

  const failed = (held: Held, err: unknown) => {
    log.warn({ job: held.jobId, err }, "a job could not be handed over; it is tried again");
    held.settle({ type: "nak", delayMs: RETRY_MS });
  };

  /** Decides about a message that came for those who wait at some queues. */
  const arrived = async (held: Held, key: string): Promise<void> => {
    if (offers.join(held)) return;
    passedOver.delete(held.jobId);
    const job = await store.get(held.jobId);
    if (!job) return held.settle({ type: "terminate", reason: `there is no job ${quote(held.jobId)}` });
    if (offers.join(held)) return;
    if (job.state === "running") {
      offers.keep(held);
      // It may have ended before it was kept.
      const now = await store.get(held.jobId);
      if (now) offers.observe(now);
      return;
    }
    const stale = job.state !== "queued" || workTopics(job.needs).every(({ subject }) => subject !== held.subject);
    if (stale) return held.settle({ type: "ack" });
    const fitting = waiting.firstFor(
      job,
      [...waiters].map(({ trainerId }) => trainerId),
    );
    const waiter = [...waiters].find(({ trainerId }) => trainerId === fitting);
    if (waiter) return handTo(waiter, held, held);
    if ((queues.get(key)?.waiting ?? 0) === 0) return held.settle({ type: "nak", delayMs: 0 });
    passedOver.set(job.id, held);
    held.settle({ type: "nak", delayMs: unfitMs(held.delivery) });
  };

  /** Hands over the job of a message, which is in hand or will come again. */
  const handTo = async (waiter: Waiter, { jobId, handOn }: Held, inHand: Held | undefined): Promise<void> => {
    leave(waiter);
    passedOver.delete(jobId);
    const { back } = offers.offer(jobId, inHand, waiter.trainerId);
    if (waiter.signal.aborted) return back();
    waiter.signal.addEventListener("abort", back, { once: true });
    waiter.resolve({ jobId, traceparent: await handOn() });
  };

  return {
    async take(trainerId, waitMs, signal) {
      const trainer = presence.get(trainerId);
      if (!trainer) throw unknownTrainer(trainerId);
      const parked = presence.parked(trainerId);
      if (parked !== "") throw parkedTrainer(trainer.name, parked);
      if (ending) throw unavailable("the fine-tune service ends", { reason: "SHUTTING_DOWN" });
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Offered | undefined>();
      const waiter: Waiter = { trainerId, key: keyOf(trainer), signal, since: performance.now(), resolve, reject };
      const none = () => {
        leave(waiter);
        resolve(undefined);
      };
      const timer = setTimeout(none, waitMs);
      signal.addEventListener("abort", none, { once: true });
      enter(waiter, trainer);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", none);
        leave(waiter);
      }
    },
    observe(job) {
      if (job.state !== "queued") passedOver.delete(job.id);
      offers.observe(job);
    },
    refuse: (jobId, trainerId) => offers.refuse(jobId, trainerId, unfitMs),
    review() {
      for (const waiter of [...waiters]) {
        const trainer = presence.get(waiter.trainerId);
        const parked = presence.parked(waiter.trainerId);
        if (trainer && parked === "" && keyOf(trainer) === waiter.key) continue;
        leave(waiter);
        if (!trainer) waiter.reject(unknownTrainer(waiter.trainerId));
        else if (parked !== "") waiter.reject(parkedTrainer(trainer.name, parked));
        else waiter.resolve(undefined); // it can run other jobs now, and asks again
      }
    },
    lend(find) {
      for (const waiter of [...waiters]) {
        if (performance.now() - waiter.since < IN_VAIN_MS) continue;
        const jobId = find(waiter.trainerId);
        if (jobId === undefined) continue;
        leave(waiter);
        void offers.handOn(jobId).then((traceparent) => waiter.resolve({ jobId, traceparent }), waiter.reject);
      }
    },
    stop() {
      ending = true;
      for (const waiter of [...waiters]) {
        leave(waiter);
        waiter.resolve(undefined);
      }
    },
    async [Symbol.asyncDispose]() {
      this.stop();
      await Promise.all([...queues.values()].map((queue) => queue[Symbol.asyncDispose]()));
      offers[Symbol.dispose]();
    },
  };
}

function unfitMs(delivery: number): number {
  return Math.min(UNFIT_MOST_MS, UNFIT_MS * 2 ** delivery);
}

function unknownTrainer(id: string): RpcError {
  return failedPrecondition(`trainer ${quote(id)} has not announced itself, or not for too long`, { reason: "TRAINER_UNKNOWN" });
}

/** Where the jobs wait that a trainer may be able to run. */
function topicsOf({ engines, memoryMib }: PresentTrainer) {
  return devices.flatMap((device) => {
    const backends = engines.filter((engine) => engine.device === device).map(({ name }) => name);
    return workTopicsFor({ device, backends: [...new Set(backends)], memoryMib });
  });
}

function keyOf(trainer: PresentTrainer): string {
  return topicsOf(trainer)
    .map(({ subject }) => subject)
    .sort()
    .join();
}
