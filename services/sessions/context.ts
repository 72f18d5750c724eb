import type { Artifacts } from "#libs/artifacts";
import type { ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Claims } from "./claims.ts";
import type { Credits } from "./credits.ts";
import type { SessionFiles } from "./files.ts";
import type { GarbageWatch } from "./garbage.ts";
import type { KeyedPulses, Locks } from "./keyed.ts";
import type { SessionLimits } from "./limits.ts";
import type { Staging } from "./staging.ts";
import type { SessionStore } from "./store/store.ts";
import type { Verifiers } from "./verifiers.ts";

/** What all that is done with sessions has in common. */
export type SessionContext = {
  readonly store: SessionStore;
  readonly files: SessionFiles;
  readonly claims: Claims;
  readonly credits: Credits;
  readonly received: GarbageWatch;
  readonly verifiers: Verifiers;
  readonly staging: Staging;
  /** Held by whatever reads or replaces the sums of a session and its committed files. */
  readonly locks: Locks;
  /** Held by whoever closes a session. */
  readonly closings: Locks;
  readonly changes: KeyedPulses;
  readonly limits: SessionLimits;
  readonly artifacts: Artifacts;
  readonly catalog: Pick<ServiceClient<typeof CatalogService>, "pin" | "unpin">;
  readonly log: Logger;
  readonly now: () => number;
  /** Threads of a fold or a snapshot; a core is left to those who send while there are some. */
  readonly threads: () => number;
};
