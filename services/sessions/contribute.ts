import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContributeRequest, ContributeResponseSchema } from "#proto/ratatouille/v1/averaging_pb.ts";
import { announcementOf } from "./announcement.ts";
import type { SessionContext } from "./context.ts";
import { ContributionError } from "./errors.ts";
import { fetchFromCatalog } from "./fetch.ts";
import type { Folds } from "./folds.ts";
import type { Layout } from "./layout.ts";
import { countContribution } from "./metrics.ts";
import { type Chunks, readHeader, receive } from "./receive.ts";
import { parseSessionId } from "./requests.ts";
import { checkSecret } from "./secret.ts";
import { openStagedFile, type StagedFile } from "./staged-file.ts";
import { type Announcement, type ContributionRow, checkOpen, type SessionRow, sessionNotFound } from "./store/rows.ts";

type Reply = MessageInitShape<typeof ContributeResponseSchema>;

/**
 * Takes a contribution. It counts exactly once: what is in the transaction of its end counts, and nothing before. Everything before can be
 * repeated, from where the file on the disk ends.
 */
export async function* contribute(
  requests: AsyncIterable<ContributeRequest>,
  context: SessionContext,
  folds: Folds,
  signal: AbortSignal,
): AsyncGenerator<Reply, void, undefined> {
  const { store, claims, now } = context;
  const { header, chunks } = await readHeader(requests);
  const session = await admit(context, header, "header.session_id");
  // One that is being closed still says of a contribution that it counts.
  if (session.state !== "closing") checkOpen(session, now());
  const announced = await announcementOf(context, session, header, signal);
  using claim = await claims.claim(session.id, announced.contributor, signal);
  const begun = await store.begin(session.id, announced, now());
  if (begun.existed) {
    countContribution("existed", 0);
    yield { event: { case: "committed", value: { existed: true } } };
    return;
  }
  for (const old of begun.replaced) await discard(context, old);
  yield* take({ context, folds, chunks, fromCatalog: header.fromCatalog, row: begun.row, claim });
  yield { event: { case: "committed", value: { existed: false } } };
}

/** The session of a call, whose caller knows its secret. @param field of the session's id @throws RpcError */
export async function admit(
  { store }: SessionContext,
  header: { readonly sessionId: string; readonly secret: string },
  field: "session_id" | "header.session_id",
): Promise<SessionRow> {
  const session = await store.find(parseSessionId(field, header.sessionId));
  if (!session) throw sessionNotFound(header.sessionId);
  checkSecret(header.secret, session.secret_hash);
  return session;
}

type Taking = {
  readonly context: SessionContext;
  readonly folds: Folds;
  readonly chunks: Chunks;
  /** The bytes are fetched from there, and not sent. */
  readonly fromCatalog: boolean;
  readonly row: ContributionRow;
  readonly claim: Parameters<typeof receive>[0]["claim"];
};

async function* take({ context, folds, chunks, fromCatalog, row, claim }: Taking): AsyncGenerator<Reply, void, undefined> {
  const { store, files, staging, limits, verifiers, changes, now } = context;
  const path = files.contribution(row.session, row.id);
  let before: number | undefined;
  let taken = 0;
  try {
    await staging.reserve(path, row.size, { signal: claim.signal, makeRoom: folds.makeRoom });
    await files.make(row.session);
    const known = await store.find(row.session);
    const announced = {
      path,
      size: row.size,
      digest: row.digest as Announcement["digest"],
      headerBytes: limits.headerBytes,
      layout: known?.layout ? (JSON.parse(known.layout) as Layout) : undefined,
      verifiers,
      onFailure: claim.fail,
    };
    {
      await using file = await openStagedFile(announced, claim.signal);
      // The name of the file becomes durable while its bytes come.
      const named = files.sync(row.session);
      named.catch(() => undefined);
      before = file.offset;
      for await (const reply of arriving({ claim, chunks, file, row, fromCatalog }, context)) {
        taken = file.offset - before;
        yield reply;
      }
      taken = file.offset - before;
      const layout = await file.finish();
      claim.signal.throwIfAborted();
      await named;
      await store.commit(row, layout, now());
    }
  } catch (error) {
    if (error instanceof ContributionError) {
      await discard(context, row);
      countContribution("refused", taken);
    } else {
      countContribution("interrupted", taken);
      // The session may have ended meanwhile, with all that it had.
      if (before === undefined) await discardUnlessBegun(context, row);
      else await store.touch(row.id, now());
    }
    throw error;
  }
  countContribution("committed", taken);
  changes.beat(row.session);
  folds.consider(row.session);
}

/** Takes the bytes from the sender, or from the catalog, and yields what is said of that. */
async function* arriving(
  { claim, chunks, file, row, fromCatalog }: Omit<Taking, "context" | "folds"> & { readonly file: StagedFile },
  context: SessionContext,
): AsyncGenerator<Reply, void, undefined> {
  if (fromCatalog) {
    const blob = { size: row.size, digest: row.digest as Announcement["digest"] };
    for await (const fetched of fetchFromCatalog({ claim, file, ...blob }, context.artifacts)) yield { fetched };
  } else {
    for await (const value of receive({ claim, chunks, file, size: row.size }, context)) yield { event: { case: "send", value } };
  }
}

/** Forgets a contribution that does not count, and its bytes. */
export async function discard({ store, files, staging, changes }: SessionContext, row: ContributionRow): Promise<void> {
  const path = files.contribution(row.session, row.id);
  await store.drop(row.id);
  await files.remove(path);
  staging.free(path);
  changes.beat(row.session);
}

/** One for which there was no room leaves nothing behind; one that came back keeps what it had. */
async function discardUnlessBegun(context: SessionContext, row: ContributionRow): Promise<void> {
  if (!(await context.files.exists(context.files.contribution(row.session, row.id)))) await discard(context, row);
}
