import type { Artifacts } from "#libs/artifacts";
import type { ServiceClient } from "#libs/rpc";
import type { UsageHere } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import type { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Uploads } from "./uploads.ts";
import type { Workshop } from "./workshop.ts";

/** What attempts need of the rest of the world. */
export type AttemptDependencies = {
  readonly finetune: ServiceClient<typeof FinetuneService>;
  readonly artifacts: Artifacts;
  readonly workshop: Pick<Workshop, "open">;
  readonly uploads: Pick<Uploads, "save">;
  readonly heartbeat: Pick<Heartbeat, "keep">;
  readonly log: Logger;
  /** What this process has used, bytes since the last attempt that asked. */
  readonly usage: () => UsageHere;
  /** Time of training between checkpoints, in milliseconds. */
  readonly checkpointMs: number;
};
