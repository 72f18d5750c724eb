import { createPulse } from "#libs/concurrency";
import { asWriteError, NoSpaceError } from "#libs/files";
import { type Implementation, pageToken, parsePageSize, parsePageToken } from "#libs/rpc";
import type { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { closeSession } from "./closing.ts";
import type { SessionContext } from "./context.ts";
import { admit, contribute } from "./contribute.ts";
import { ContributionError, DamagedChunkError, refuse } from "./errors.ts";
import type { Folds } from "./folds.ts";
import { openSession } from "./lifecycle.ts";
import { INVALID, parseSessionId } from "./requests.ts";
import { type SnapshotProgress, snapshot } from "./snapshot.ts";
import { toContribution, toSession } from "./state.ts";
import { checkOpen, type SessionRow, sessionNotFound } from "./store/rows.ts";
import { withdraw } from "./withdraw.ts";

/** The methods of AveragingService that sessions have. */
export type SessionMethods = Pick<
  Implementation<typeof AveragingService>,
  | "openSession"
  | "contribute"
  | "withdraw"
  | "snapshot"
  | "getSession"
  | "listSessions"
  | "listContributions"
  | "watchSession"
  | "closeSession"
>;

/** AveragingService over sessions: messages to calls, refusals to codes. */
export function createSessionService(context: SessionContext, folds: Folds): SessionMethods {
  const { store, changes, now } = context;

  async function find(id: string): Promise<SessionRow> {
    const session = await store.find(parseSessionId("session_id", id));
    if (!session) throw sessionNotFound(id);
    return session;
  }

  const describe = async (session: SessionRow) => toSession(session, await store.counts(session.id), now());

  return {
    openSession: (request) =>
      answer(async () => {
        const { session, secret } = await openSession(context, request);
        return { session: await describe(session), secret };
      }),

    contribute: (requests, { signal }) => answerAll(contribute(requests, context, folds, signal)),

    withdraw: (requests, { signal }) => answerAll(withdraw(requests, context, folds, signal)),

    snapshot: ({ sessionId }, { signal }) => answerAll(snapshots(sessionId, signal)),

    getSession: ({ sessionId }) => answer(async () => ({ session: await describe(await find(sessionId)) })),

    listSessions: (request) =>
      answer(async () => {
        const size = parsePageSize(request.pageSize, INVALID);
        const { rows, next } = await store.list({ size, before: parsePageToken("sessions", request.pageToken, "number", INVALID) });
        return { sessions: await Promise.all(rows.map(describe)), nextPageToken: pageToken("sessions", next) };
      }),

    listContributions: ({ sessionId, pageSize, pageToken: token }) =>
      answer(async () => {
        const { id } = await find(sessionId);
        const size = parsePageSize(pageSize, INVALID);
        const list = `contributions/${id}`;
        const { rows, next } = await store.listContributions(id, { size, after: parsePageToken(list, token, "number", INVALID) });
        return { contributions: rows.map(toContribution), nextPageToken: pageToken(list, next) };
      }),

    async *watchSession({ sessionId }, { signal }) {
      using watched = changes.watch(sessionId);
      for (;;) {
        const seen = watched.value.version;
        const session = await find(sessionId);
        yield { session: await describe(session) };
        if (session.state !== "open" && session.state !== "closing") return;
        await watched.value.changed(seen, signal);
        signal.throwIfAborted();
      }
    },

    closeSession: (request, { signal }) =>
      answer(async () => {
        const { id } = await admit(context, request, "session_id");
        return { artifact: await closeSession(context, id, { last: request.snapshot, signal }) };
      }),
  };

  /** Progress while a snapshot is made, the newest only, then its artifact. */
  async function* snapshots(id: string, signal: AbortSignal) {
    checkOpen(await find(id), now());
    const pulse = createPulse();
    let progress: SnapshotProgress | undefined;
    let done = false;
    const report = (value: SnapshotProgress) => {
      progress = value;
      pulse.beat();
    };
    const work = snapshot(context, id, { signal, report }).finally(() => {
      done = true;
      pulse.beat();
    });
    work.catch(() => undefined);
    for (let seen = 0; !done; ) {
      await pulse.changed(seen);
      seen = pulse.version;
      if (!progress || done) continue;
      const { readBytes, totalBytes } = progress;
      yield { event: { case: "progress" as const, value: { readBytes: BigInt(readBytes), totalBytes: BigInt(totalBytes) } } };
    }
    yield { event: { case: "artifact" as const, value: await work } };
  }
}

async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRpcError(error);
  }
}

async function* answerAll<T>(replies: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  try {
    yield* replies;
  } catch (error) {
    throw toRpcError(error);
  }
}

/** The error of a call for what was thrown; what is no refusal stays what it is. */
export function toRpcError(error: unknown): unknown {
  if (error instanceof ContributionError) {
    const { message, reason, field } = error;
    return refuse(reason, message, { field, cause: error });
  }
  if (error instanceof DamagedChunkError) {
    return refuse("CHUNK_DAMAGED", error.message, { field: `chunk.${error.kind}`, cause: error });
  }
  const written = asWriteError(error, "the contribution");
  return written instanceof NoSpaceError ? refuse("NO_SPACE", written.message, { cause: written }) : error;
}
