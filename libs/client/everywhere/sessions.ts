import { type Clients, internal } from "#libs/rpc/portable";
import { AveragingService, type Session, SessionState as State } from "#proto/ratatouille/v1/averaging_pb.ts";
import { type ArtifactInfo, infoOf } from "./artifact-info.ts";
import { type AverageOptions, artifactAfter } from "./average.ts";

const IDLE_TIMEOUT_MS = 600_000;

type Signal = { readonly signal?: AbortSignal | undefined };

/** A session as its server tells it. */
export type SessionState = {
  readonly id: string;
  readonly state: "open" | "closing" | "closed" | "expired";
  readonly method: string;
  /** Contributions that count, and those that have begun. */
  readonly committed: number;
  readonly staging: number;
  /** What both take on the disk of the server while it has not averaged them. */
  readonly stagedBytes: number;
  /** Digest of the last snapshot, where there is one. */
  readonly artifact?: string;
  readonly expiresAt: Date;
};

/** What a session is opened with. */
export type OpenOptions = Signal & {
  /** "uniform" (the default), "weighted" or "linear". */
  readonly method?: string | undefined;
  /** Who may contribute, and with which weight. Anybody who has the secret unless given. */
  readonly weights?: { readonly [contributor: string]: number } | undefined;
  /** Type of the average: "F32" (the default), "F16" or "BF16". */
  readonly dtype?: string | undefined;
  /** What the average says of itself where no contribution is a model of the catalog. */
  readonly architecture?: string | undefined;
  readonly licence?: string | undefined;
  readonly expiresInSeconds?: number | undefined;
};

/** Opens a session; the secret is told this once. @throws RpcError as AveragingService.OpenSession has it */
export async function openSession(clients: Clients, { signal, ...options }: OpenOptions = {}): Promise<{ id: string; secret: string }> {
  const { method = "", weights = {}, dtype = "", architecture = "", licence = "", expiresInSeconds = 0 } = options;
  const request = { method, weights, dtype, architecture, licence, expiresInSeconds: BigInt(expiresInSeconds) };
  const { session, secret } = await clients.client(AveragingService).openSession(request, { signal });
  return { id: present(session).id, secret };
}

/** What can be done with a session over any transport. */
export type SessionReads = {
  /** @throws RpcError NOT_FOUND (SESSION_NOT_FOUND) */
  state(options?: Signal): Promise<SessionState>;
  /** The state now and after each change, until the session ends. */
  watch(options?: Signal): AsyncIterable<SessionState>;
  /** Publishes the average of what counts now. @throws RpcError FAILED_PRECONDITION (NOTHING_COMMITTED) */
  snapshot(options?: Pick<AverageOptions, "signal" | "onProgress">): Promise<ArtifactInfo>;
  /** Ends the session, after a last snapshot if that is asked for. */
  close(options?: Signal & { readonly snapshot?: boolean | undefined }): Promise<ArtifactInfo | undefined>;
};

/** @param secret needed to close it */
export function sessionReads(clients: Clients, sessionId: string, secret: string): SessionReads {
  const averaging = clients.client(AveragingService);
  return {
    state: async ({ signal } = {}) => stateOf(present((await averaging.getSession({ sessionId }, { signal })).session)),
    async *watch({ signal } = {}) {
      for await (const { session } of averaging.watchSession({ sessionId }, { signal, timeoutMs: 0 })) yield stateOf(present(session));
    },
    async snapshot({ signal, onProgress } = {}) {
      const call = { signal, timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS };
      return infoOf(await artifactAfter(averaging.snapshot({ sessionId }, call), onProgress));
    },
    async close({ signal, snapshot = false } = {}) {
      const { artifact } = await averaging.closeSession({ sessionId, secret, snapshot }, { signal });
      return artifact && infoOf(artifact);
    },
  };
}

const states = { [State.OPEN]: "open", [State.CLOSED]: "closed", [State.EXPIRED]: "expired", [State.CLOSING]: "closing" } as const;

/** A session of the protocol as plain data. */
function stateOf({ id, state, method, committed, staging, stagedBytes, artifact, expiresAt }: Session): SessionState {
  return {
    ...{ id, method, committed, staging },
    stagedBytes: Number(stagedBytes),
    state: states[state as keyof typeof states] ?? "open",
    ...(artifact === "" ? {} : { artifact }),
    expiresAt: new Date(Number(expiresAt) * 1000),
  };
}

function present(session: Session | undefined): Session {
  if (session === undefined) throw internal("the server answered without a session");
  return session;
}
