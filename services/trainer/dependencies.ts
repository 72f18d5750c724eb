import type { Artifacts } from "#libs/artifacts";
import type { ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { FinetuneService, JobInput } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { LoadInput } from "./input.ts";
import type { Uploads } from "./uploads.ts";

/** What attempts need of the rest of the world. */
export type AttemptDependencies = {
  readonly finetune: ServiceClient<typeof FinetuneService>;
  readonly artifacts: Artifacts;
  /** Loads the inputs of an attempt. */
  readonly inputs: (inputs: readonly JobInput[], signal: AbortSignal) => LoadInput;
  readonly uploads: Pick<Uploads, "save">;
  readonly heartbeat: Pick<Heartbeat, "keep">;
  readonly log: Logger;
  /** Time of training between checkpoints, in milliseconds. */
  readonly checkpointMs: number;
};
