import { foldSums } from "#libs/merging";
import { mediaTypes } from "#libs/recipes";
import { inSpan } from "#libs/telemetry";
import type { SessionContext } from "./context.ts";
import { sumsName } from "./files.ts";
import { openMembers, pathOf } from "./members.ts";
import { countFolded } from "./metrics.ts";
import { readPieces } from "./pieces.ts";
import type { ContributionRow } from "./store/rows.ts";

/** Folds complete contributions into the sums of their sessions, one session at a time, in the background. */
export type Folds = AsyncDisposable & {
  /** Folds a session soon if enough waits there. */
  consider(session: string): void;
  /** Staged files need room: folds whatever can be folded. */
  makeRoom(): void;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
};

/** The holder of what sessions keep in the catalog. */
export const holderOf = (session: string): string => `averaging-session/${session}`;

export function createFolds(context: SessionContext): Folds {
  const { store, log, limits } = context;
  const stopper = new AbortController();
  /** Sessions to look at, and how many contributions have to wait there. */
  const queue = new Map<string, number>();
  let working: Promise<void> | undefined;

  function enqueue(session: string, least: number): void {
    if (stopper.signal.aborted) return;
    queue.set(session, Math.min(least, queue.get(session) ?? least));
    working ??= foldQueued().finally(() => (working = undefined));
  }

  async function foldQueued(): Promise<void> {
    for (;;) {
      const [next] = queue;
      if (next === undefined || stopper.signal.aborted) return;
      const [session, least] = next;
      queue.delete(session);
      try {
        const { committed, withdrawing } = await store.counts(session);
        if (committed.count + withdrawing.count >= least) await foldSession(context, session, stopper.signal);
      } catch (err) {
        // What waits stays where it is, counts all the same, and is tried again by the next sweep.
        if (!stopper.signal.aborted) log.warn({ err, session }, "contributions were not folded");
      }
    }
  }

  let makingRoom: Promise<void> | undefined;
  return {
    consider: (session) => enqueue(session, limits.foldAfter),
    makeRoom() {
      makingRoom ??= (async () => {
        for (const { id } of await store.all("open")) enqueue(id, 1);
        await working;
      })()
        .catch((err: unknown) => log.warn({ err }, "no room was made for contributions"))
        .finally(() => (makingRoom = undefined));
    },
    async idle() {
      while (working || makingRoom) await Promise.all([working, makingRoom]);
    },
    async [Symbol.asyncDispose]() {
      stopper.abort(new Error("the service ends"));
      queue.clear();
      await Promise.all([working, makingRoom]);
    },
  };
}

/**
 * Folds what waits in a session: new sums beside the old, then the transaction that names them, then what they replace is deleted. A
 * process that dies in between leaves a file that nobody names, which the next start removes.
 */
async function foldSession(context: SessionContext, session: string, signal: AbortSignal): Promise<void> {
  const { store, files, staging, changes, locks, threads, log } = context;
  await locks(session, async () => {
    const row = await store.find(session);
    if (row?.state !== "open") return;
    const pending = await store.contributions(session, "committed", "withdrawing");
    if (pending.length === 0) return;
    const began = performance.now();
    if (row.keep) await keepAll(context, pending, signal);
    const generation = row.generation + 1;
    const name = sumsName(generation);
    await inSpan("fold", { "ratatouille.models": pending.length }, async () => {
      const members = await openMembers(context, pending);
      const from = row.sums === null ? undefined : files.sums(session, row.sums);
      await foldSums({
        from,
        members,
        list: false,
        negativeWeights: row.method !== "uniform",
        to: files.sums(session, name),
        threads: threads(),
        signal,
      });
    });
    await store.fold(session, { generation, sums: name, ids: pending.map(({ id }) => id) });
    if (row.sums !== null) await files.remove(files.sums(session, row.sums));
    if ((await store.find(session))?.sums === null) await files.remove(files.sums(session, name));
    for (const contribution of pending) {
      const path = pathOf(context, contribution);
      await files.remove(path);
      staging.free(path);
    }
    const bytes = pending.reduce((sum, { size }) => sum + size, 0);
    const seconds = (performance.now() - began) / 1000;
    countFolded(bytes, seconds);
    log.info({ session, contributions: pending.length, bytes, ms: Math.round(seconds * 1000) }, "contributions folded");
    changes.beat(session);
  });
}

/** Stores contributions in the catalog, and keeps the garbage collector from them. */
async function keepAll({ artifacts, catalog, store, files }: SessionContext, rows: readonly ContributionRow[], signal: AbortSignal) {
  for (const { id, session, digest, kept, state } of rows) {
    if (kept || state !== "committed") continue;
    await artifacts.upload(readPieces(files.contribution(session, id)), { mediaType: mediaTypes.weights, signal });
    await catalog.pin({ holder: holderOf(session), digests: [digest] }, { signal });
    await store.markKept(id);
  }
}
