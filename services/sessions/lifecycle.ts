import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isLicenceText } from "#libs/recipes";
import { parseText } from "#libs/rpc";
import { quote } from "#libs/text";
import type { OpenSessionRequest } from "#proto/ratatouille/v1/averaging_pb.ts";
import { checkWeight } from "./announcement.ts";
import type { SessionContext } from "./context.ts";
import { discard } from "./contribute.ts";
import { refuse } from "./errors.ts";
import { type Folds, holderOf } from "./folds.ts";
import { parseLayout } from "./layout.ts";
import { pathOf } from "./members.ts";
import { INVALID, parseAmount, parseContributor } from "./requests.ts";
import { createSecret } from "./secret.ts";
import { type SessionRow, sessionOver } from "./store/rows.ts";

/** Methods that can be computed from a stream. */
export const methods = ["uniform", "weighted", "linear"] as const;
const dtypes = ["F32", "F16", "BF16"] as const;

/** Opens a session. @throws RpcError SESSION_INVALID, SESSION_QUOTA */
export async function openSession(
  { store, limits, now }: SessionContext,
  request: OpenSessionRequest,
): Promise<{ session: SessionRow; secret: string }> {
  const { secret, hash } = createSecret();
  const time = now();
  const layout = request.layout.length > 0 ? JSON.stringify(parseLayout(request.layout)) : null;
  const id = randomBytes(12).toString("base64url");
  const row = {
    id,
    secret_hash: hash,
    method: parseChoice("method", request.method, methods),
    dtype: parseChoice("dtype", request.dtype, dtypes, "F32"),
    weights: parseWeights(request),
    declared: layout,
    layout,
    architecture: parseOptional("architecture", request.architecture),
    licence: parseLicence(request.licence),
    keep: request.keep ? 1 : 0,
    max_contribution_bytes: parseAmount("max_contribution_bytes", request.maxContributionBytes) || null,
    max_contributors: parseAmount("max_contributors", request.maxContributors) || null,
    opened_at: time,
    expires_at: time + parseLife(request.expiresInSeconds, limits),
  };
  await store.open(row, limits.sessions);
  return { session: (await store.find(id))!, secret };
}

function parseChoice<T extends string>(field: string, text: string, choices: readonly T[], fallback: T = choices[0]!): T {
  if (text === "") return fallback;
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  const why = field === "method" ? "; others cannot be computed from a stream of contributions" : "";
  throw refuse("SESSION_INVALID", `${field}: ${quote(text)}; a session takes ${choices.join(", ")}${why}`, { field });
}

function parseWeights({ weights, method }: OpenSessionRequest): string | null {
  const entries = Object.entries(weights);
  if (entries.length === 0) return null;
  const field = "weights";
  if (method === "" || method === "uniform") {
    throw refuse("SESSION_INVALID", `${field}: the session is uniform; leave them out, or choose weighted or linear`, { field });
  }
  for (const [contributor, weight] of entries) {
    parseContributor(field, contributor);
    checkWeight(`weights[${JSON.stringify(contributor)}]`, weight);
  }
  return JSON.stringify(weights);
}

const LONGEST_TEXT = 200;

function parseOptional(field: string, text: string): string {
  return text === "" ? text : parseText(field, text, LONGEST_TEXT, INVALID);
}

/** What the catalog would refuse is refused before anybody contributes, not when the average is to be published. */
function parseLicence(text: string): string {
  const licence = parseOptional("licence", text);
  if (licence === "" || isLicenceText(licence)) return licence;
  throw refuse("SESSION_INVALID", `licence: expected an SPDX expression such as "MIT OR Apache-2.0", got ${quote(licence)}`, {
    field: "licence",
  });
}

function parseLife(seconds: bigint, { lifeMs }: SessionContext["limits"]): number {
  const field = "expires_in_seconds";
  const life = parseAmount(field, seconds) * 1000 || lifeMs.default;
  if (life <= lifeMs.max) return life;
  throw refuse("SESSION_INVALID", `${field}: ${seconds}; a session lives at most ${lifeMs.max / 1000} seconds`, { field });
}

/** Ends a session and deletes what it has. Ending twice is ending once. */
export async function endSession(context: SessionContext, session: SessionRow, state: "closed" | "expired"): Promise<void> {
  const { store, files, staging, claims, locks, changes, catalog, log, now } = context;
  // First the truth: from now on nothing begins. What has begun stops, and is waited for before its files go.
  const rows = await locks(session.id, async () => {
    const had = await store.contributions(session.id, "staging", "committed", "folded", "withdrawing");
    return (await store.end(session.id, state, now())) ? had : undefined;
  });
  if (rows === undefined) return;
  await claims.endSession(session.id, sessionOver({ id: session.id, state }));
  await locks(session.id, () => files.remove(files.folder(session.id)));
  for (const row of rows) for (const path of [pathOf(context, row), files.returned(session.id, row.id)]) staging.free(path);
  if (session.keep) {
    // Where the catalog is away, what was kept stays pinned; nothing is lost but its room.
    await catalog
      .unpin({ holder: holderOf(session.id) })
      .catch((err: unknown) => log.warn({ err, session: session.id }, "kept contributions stay pinned"));
  }
  log.info({ session: session.id, state }, "session over");
  changes.beat(session.id);
}

/** Makes the disk and the quota what the database says. Before anything else. */
export async function recover(context: SessionContext): Promise<void> {
  const { store, files, staging, log } = context;
  // Who closed it was not answered, and closes it again.
  await store.reopen();
  const keep = new Set<string>();
  for (const session of await store.all("open")) {
    keep.add(files.folder(session.id));
    if (session.sums !== null) keep.add(files.sums(session.id, session.sums));
    for (const row of await store.contributions(session.id, "staging", "committed", "withdrawing")) {
      keep.add(pathOf(context, row));
      staging.hold(pathOf(context, row), row.size);
    }
  }
  const removed = await files.sweep(keep);
  if (removed > 0) log.info({ removed }, "files of an earlier life removed");
}

/** Ends what has expired, forgets what is long over and what nobody completes, and folds what a failure has left. */
async function sweep(context: SessionContext, folds: Folds): Promise<void> {
  const { store, claims, limits, now } = context;
  for (const session of await store.all("open")) {
    if (now() >= session.expires_at) await endSession(context, session, "expired");
    else folds.consider(session.id);
  }
  await store.forget(now() - limits.rememberMs);
  for (const row of await store.abandoned(now() - limits.resumeMs)) {
    if (!claims.has(row.session, row.contributor)) await discard(context, row);
  }
}

/** Sweeps until the signal aborts. */
export async function sweepAgain(context: SessionContext, folds: Folds, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweep(context, folds).catch((err: unknown) => context.log.warn({ err }, "the sweep of sessions failed; it is done again"));
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
