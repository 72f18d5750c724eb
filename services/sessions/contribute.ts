import type { MessageInitShape } from "@bufbuild/protobuf";
import { layerOf, mediaTypes, readManifest } from "#libs/recipes";
import type { ContributeRequest, ContributeResponseSchema, ContributionHeader } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { SessionContext } from "./context.ts";
import { ContributionError, exhausted, refuse } from "./errors.ts";
import type { Folds } from "./folds.ts";
import type { Layout } from "./layout.ts";
import { countContribution } from "./metrics.ts";
import { type Chunks, readHeader, receive } from "./receive.ts";
import { parseAmount, parseContributor, parseDigest, parseSessionId } from "./requests.ts";
import { checkSecret } from "./secret.ts";
import { openStagedFile } from "./staged-file.ts";
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
  yield* take({ context, folds, chunks, row: begun.row, claim });
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
  readonly row: ContributionRow;
  readonly claim: Parameters<typeof receive>[0]["claim"];
};

async function* take({ context, folds, chunks, row, claim }: Taking): AsyncGenerator<Reply, void, undefined> {
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
      for await (const send of receive({ claim, chunks, file, size: row.size }, context)) {
        taken = file.offset - before;
        yield { event: { case: "send", value: send } };
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

async function announcementOf(
  { limits, artifacts }: SessionContext,
  session: SessionRow,
  header: ContributionHeader,
  signal: AbortSignal,
): Promise<Announcement> {
  const contributor = parseContributor("header.contributor", header.contributor);
  const size = parseAmount("header.size_bytes", header.sizeBytes);
  const digest = parseDigest("header.digest", header.digest);
  checkSize(size, session, limits);
  const weight = weightOf(session, contributor, header.weight);
  const artifact = header.artifact === "" ? undefined : parseDigest("header.artifact", header.artifact);
  if (artifact !== undefined) {
    const manifest = readManifest((await artifacts.get(artifact, { signal })).manifest);
    const layer = manifest.kind === "model" ? layerOf(manifest, mediaTypes.weights) : undefined;
    if (layer?.digest !== digest) {
      const what = layer ? `has the weights ${layer.digest}` : `is a ${manifest.kind}`;
      throw refuse("CONTRIBUTION_MISMATCH", `artifact ${artifact} ${what}; the contribution is ${digest}`, { field: "header.artifact" });
    }
  }
  return { contributor, size, digest, weight, artifact };
}

function checkSize(size: number, session: SessionRow, limits: SessionContext["limits"]): void {
  const quotas = [
    ["max_contribution_bytes", session.max_contribution_bytes ?? Number.POSITIVE_INFINITY, "of the session"],
    ["contributionBytes", limits.contributionBytes, "of this server"],
    ["stagingBytes", limits.stagingBytes, "of this server for all"],
  ] as const;
  for (const [field, limit, whose] of quotas) {
    if (size > limit)
      throw exhausted("CONTRIBUTION_QUOTA", field, limit, `the contribution has ${size} bytes; the limit ${whose} is ${limit}`);
  }
  if (size === 0)
    throw refuse("SESSION_INVALID", "header.size_bytes: a contribution is a safetensors file, and not empty", {
      field: "header.size_bytes",
    });
}

function weightOf(session: SessionRow, contributor: string, given: number | undefined): number {
  const field = "header.weight";
  if (session.weights !== null) {
    const weights = JSON.parse(session.weights) as { readonly [contributor: string]: number };
    const weight = Object.hasOwn(weights, contributor) ? weights[contributor] : undefined;
    if (weight === undefined) {
      throw refuse("CONTRIBUTOR_UNKNOWN", `${JSON.stringify(contributor)} is not among those who may contribute to this session`, {
        field: "header.contributor",
      });
    }
    if (given !== undefined && given !== weight) throw refuse("SESSION_INVALID", `${field}: the session says ${weight}`, { field });
    return weight;
  }
  if (given === undefined) return 1;
  if (session.method === "uniform" && given !== 1)
    throw refuse("SESSION_INVALID", `${field}: the session is uniform; leave it out`, { field });
  checkWeight(field, given);
  return given;
}

/** @throws RpcError SESSION_INVALID for a weight that exact sums cannot take */
export function checkWeight(field: string, weight: number): void {
  const magnitude = Math.abs(weight);
  if (weight === 0 || (magnitude >= 2 ** -600 && magnitude <= 2 ** 600)) return;
  throw refuse("SESSION_INVALID", `${field}: ${weight}; a weight is 0, or between 2^-600 and 2^600 in magnitude`, { field });
}
