import { after, type Timer } from "#libs/concurrency";
import type { JobRecord } from "../job.ts";
import type { Held } from "./held.ts";

/** So long a trainer that was handed a job may take to begin. */
const BEGIN_MS = 5_000;

/** The messages in hand, by their jobs. */
export type Offers = Disposable & {
  /**
   * Takes a message of a job that is in hand already, because it is offered or runs. A job with several engines has several messages, and one
   * that waited for long may have two of one kind.
   * @returns false if that job is not in hand
   */
  join(held: Held): boolean;
  /** Keeps the message of a job that runs. */
  keep(held: Held): void;
  /** True if a job is in hand. */
  has(jobId: string): boolean;
  /**
   * Keeps the message of a job that a trainer is handed, until it begins. `back` gives the job back, if it has not begun. Where its message
   * is still to come it is undefined.
   */
  offer(jobId: string, held: Held | undefined, trainerId: string): { back(): void };
  /** The trace of a job in hand, which is handed on once more; "" where it is not in hand. */
  handOn(jobId: string): Promise<string>;
  /** The newest state of a job: what is in hand of one that has ended, or waits anew, is settled. */
  observe(job: JobRecord): void;
  /** A trainer has found that a job that it was handed is not for it. `delayMs`: the next one is offered it no sooner. */
  refuse(jobId: string, trainerId: string, delayMs: (delivery: number) => number): void;
};

/** `messages`: the first stands for the job. `offered`: its trainer has not begun. */
type Entry = { readonly messages: Held[]; readonly trainerId: string; offered: boolean; timer?: Timer };

/** Nothing is in hand. */
export function createOffers(): Offers {
  const entries = new Map<string, Entry>();
  const drop = (jobId: string, entry: Entry, settle: (held: Held) => void) => {
    entries.delete(jobId);
    entry.timer?.[Symbol.dispose]();
    for (const held of entry.messages) settle(held);
  };
  const done = (held: Held) => held.settle({ type: "ack" });
  const giveBack = (jobId: string, entry: Entry, delayMs: (delivery: number) => number) => {
    if (entry.offered && entries.get(jobId) === entry)
      drop(jobId, entry, (held) => held.settle({ type: "nak", delayMs: delayMs(held.delivery) }));
  };
  return {
    join(held) {
      const entry = entries.get(held.jobId);
      if (!entry) return false;
      const { messages, offered } = entry;
      const place = messages.findIndex(({ id }) => id === held.id);
      if (place >= 0) {
        // The bus was away and takes what was in hand for lost: the later delivery is the one that counts.
        messages[place]?.forget();
        messages[place] = held;
      } else if (messages.length === 0 || (offered && messages.every(({ subject }) => subject !== held.subject))) messages.push(held);
      else done(held);
      return true;
    },
    keep(held) {
      entries.set(held.jobId, { messages: [held], trainerId: "", offered: false });
    },
    has: (jobId) => entries.has(jobId),
    handOn: async (jobId) => entries.get(jobId)?.messages[0]?.handOn() ?? "",
    offer(jobId, held, trainerId) {
      const now = () => 0;
      const entry: Entry = { messages: held ? [held] : [], trainerId, offered: true };
      entry.timer = after(BEGIN_MS, () => giveBack(jobId, entry, now));
      entries.set(jobId, entry);
      return { back: () => giveBack(jobId, entry, now) };
    },
    observe({ id, state }) {
      const entry = entries.get(id);
      if (!entry) return;
      if (state === "running" && entry.offered) {
        // One message stands for the job while it runs; those of its other engines are done with.
        entry.offered = false;
        entry.timer?.[Symbol.dispose]();
        for (const held of entry.messages.splice(1)) done(held);
      } else if (state === "queued" ? !entry.offered : state !== "running") {
        // Where it waits anew, it was offered anew.
        drop(id, entry, done);
      }
    },
    refuse(jobId, trainerId, delayMs) {
      const entry = entries.get(jobId);
      if (entry?.trainerId === trainerId) giveBack(jobId, entry, delayMs);
    },
    [Symbol.dispose]() {
      for (const [jobId, entry] of [...entries]) drop(jobId, entry, (held) => held.forget());
    },
  };
}
