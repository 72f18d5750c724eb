import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { SessionContext } from "./context.ts";
import { endSession } from "./lifecycle.ts";
import { snapshot } from "./snapshot.ts";
import { sessionNotFound, sessionOver } from "./store/rows.ts";

type Closing = { readonly last: boolean; readonly signal: AbortSignal };

/**
 * Closes a session, after a last snapshot if asked. What has counted before is in that; nothing counts or goes while it is made, and whoever
 * comes is told so. A snapshot that fails leaves the session as it was. One closes at a time: who comes second, or again because the answer
 * got lost, gets the artifact that there is.
 */
export function closeSession(context: SessionContext, id: string, { last, signal }: Closing): Promise<Artifact | undefined> {
  const { store, closings, artifacts } = context;
  return closings(id, async () => {
    signal.throwIfAborted();
    const session = await store.find(id);
    if (!session) throw sessionNotFound(id);
    if (session.state === "closed" || session.state === "expired") {
      return session.artifact === null ? undefined : artifacts.get(session.artifact, { signal });
    }
    const artifact = last ? await lastSnapshot(context, id, signal) : undefined;
    await endSession(context, session, "closed");
    return artifact;
  });
}

async function lastSnapshot(context: SessionContext, id: string, signal: AbortSignal): Promise<Artifact> {
  const { store, claims, changes } = context;
  // First the truth: a transaction that makes a contribution count comes before this one, or is refused.
  if (!(await store.startClosing(id))) throw sessionOver({ id, state: "expired" });
  changes.beat(id);
  try {
    await claims.endSession(id, sessionOver({ id, state: "closing" }));
    return await snapshot(context, id, { signal, report: () => {} });
  } catch (error) {
    await store.reopen(id);
    changes.beat(id);
    throw error;
  }
}
