import type { Artifacts } from "#libs/artifacts";
import type { ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { LoadInput } from "./input.ts";

/** What attempts need of the rest of the world. */
export type AttemptDependencies = {
  readonly finetune: ServiceClient<typeof FinetuneService>;
  readonly artifacts: Artifacts;
  readonly inputs: (signal: AbortSignal) => LoadInput;
  readonly heartbeat: Pick<Heartbeat, "keep">;
  readonly log: Logger;
  /** Time of training between checkpoints, in milliseconds. */
  readonly checkpointMs: number;
};
