import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Digest } from "#libs/recipes";
import { isRpcError } from "#libs/rpc";
import type { WithdrawRequest, WithdrawResponseSchema } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { Claim } from "./claims.ts";
import type { SessionContext } from "./context.ts";
import { admit, discard } from "./contribute.ts";
import { ContributionError, refuse } from "./errors.ts";
import type { Folds } from "./folds.ts";
import { countContribution } from "./metrics.ts";
import { type Chunks, readHeader, receive } from "./receive.ts";
import { parseContributor } from "./requests.ts";
import { openStagedFile, type StagedFile } from "./staged-file.ts";
import { type ContributionRow, checkOpen } from "./store/rows.ts";

type Reply = MessageInitShape<typeof WithdrawResponseSchema>;

/**
 * Takes a contribution out of the average. One that is not in the sums is forgotten. For one that is, its bytes are needed, to take them out:
 * from the catalog where they are there, else from the caller. Once they are staged again it no longer counts.
 */
export async function* withdraw(
  requests: AsyncIterable<WithdrawRequest>,
  context: SessionContext,
  folds: Folds,
  signal: AbortSignal,
): AsyncGenerator<Reply, void, undefined> {
  const { claims, changes, now } = context;
  const { header, chunks } = await readHeader(requests);
  const session = await admit(context, header, "header.session_id");
  checkOpen(session, now());
  const contributor = parseContributor("header.contributor", header.contributor);
  using claim = await claims.claim(session.id, contributor, signal);
  const row = await withdrawStaged(context, session.id, contributor);
  if (row !== undefined) yield* withdrawFolded({ context, row, chunks, claim, folds });
  countContribution("withdrawn", 0);
  changes.beat(session.id);
  yield { event: { case: "withdrawn", value: {} } };
}

/** Withdraws what is not in the sums, and returns what is. Under the lock, as a fold may just be reading the file. */
async function withdrawStaged(context: SessionContext, session: string, contributor: string): Promise<ContributionRow | undefined> {
  const { store, locks, files, staging, now } = context;
  return locks(session, async () => {
    const row = await store.contributionOf(session, contributor);
    if (!row) {
      throw refuse("CONTRIBUTION_NOT_FOUND", `${JSON.stringify(contributor)} has no contribution in session ${session}`, {
        field: "header.contributor",
      });
    }
    if (row.state === "folded") return row;
    if (row.state === "staging") await discard(context, row);
    if (row.state === "committed" && (await store.withdraw(row.id, now()))) {
      const path = files.contribution(session, row.id);
      await files.remove(path);
      staging.free(path);
    }
    return undefined;
  });
}

type Withdrawal = {
  readonly context: SessionContext;
  readonly row: ContributionRow;
  readonly chunks: Chunks;
  readonly claim: Claim;
  readonly folds: Folds;
};

async function* withdrawFolded({ context, row, chunks, claim, folds }: Withdrawal): AsyncGenerator<Reply, void, undefined> {
  const { files, staging } = context;
  const path = files.returned(row.session, row.id);
  let committed = false;
  try {
    await staging.reserve(path, row.size, { signal: claim.signal, makeRoom: folds.makeRoom });
    await files.make(row.session);
    if (!(await fetchReturned(context, row, path, claim))) {
      await using file = await openReturned(context, row, path, claim);
      try {
        for await (const send of receive({ claim, chunks, file, size: row.size }, context)) {
          yield { event: { case: "send", value: send } };
        }
      } catch (error) {
        const nothing = isRpcError(error, undefined, "INCOMPLETE") && file.offset === 0;
        if (!nothing) throw error;
        throw refuse("BYTES_NEEDED", `the contribution is in the sums; its ${row.size} bytes have to be sent again, to take them out`);
      }
      await finishReturned(context, row, file, claim);
    }
    committed = true;
  } catch (error) {
    if (error instanceof ContributionError) await files.remove(path);
    throw error;
  } finally {
    // What has arrived stays for the next call, which takes the room again.
    if (!committed) staging.free(path);
  }
  folds.consider(row.session);
}

function openReturned({ limits, verifiers }: SessionContext, row: ContributionRow, path: string, claim: Claim): Promise<StagedFile> {
  const { size } = row;
  const digest = row.digest as Digest;
  // The digest alone decides: the same bytes were found right before.
  const announced = { path, size, digest, headerBytes: limits.headerBytes, layout: undefined, verifiers, onFailure: claim.fail };
  return openStagedFile(announced, claim.signal);
}

async function finishReturned(
  { store, files, locks, now }: SessionContext,
  row: ContributionRow,
  file: StagedFile,
  claim: Claim,
): Promise<void> {
  await file.finish();
  claim.signal.throwIfAborted();
  await files.sync(row.session);
  await locks(row.session, () => store.withdrawFolded(row.id, now()));
}

/** Gets the bytes from the catalog. Returns whether they were there. */
async function fetchReturned(context: SessionContext, row: ContributionRow, path: string, claim: Claim): Promise<boolean> {
  const { artifacts, files, log, limits } = context;
  if (row.kept === 0 && row.artifact === null) return false;
  try {
    await files.remove(path);
    await using file = await openReturned(context, row, path, claim);
    for await (const piece of artifacts.stream(row.digest, { signal: claim.signal })) await file.append(piece, limits.chunkBytes.max);
    await finishReturned(context, row, file, claim);
    return true;
  } catch (error) {
    if (claim.signal.aborted || !isRpcError(error)) throw error;
    log.warn({ err: error, digest: row.digest }, "a contribution could not be had from the catalog");
    await files.remove(path);
    return false;
  }
}
