import type { Source } from "../template.ts";
import type { AddNode } from "./add-node.ts";
import type { FoundationPlan } from "./foundation.ts";
import type { Predictor } from "./predictions.ts";
import type { CompleteStudy } from "./specification.ts";

/** One trial with one held-out domain, while its graph is being made. */
export type CellBuilder = {
  readonly spec: CompleteStudy;
  readonly shared: FoundationPlan;
  readonly seed: number;
  /** The held-out domain's place in the target. */
  readonly index: number;
  /** The other domains. */
  readonly training: readonly string[];
  readonly split: Source;
  /** Where members start that come from the foundation: its own model, or the probe where its weights are drawn. */
  readonly foundation: Source;
  readonly probe: string;
  /** Whether the run goes on without a member. */
  readonly tolerant: boolean;
  readonly add: AddNode;
  readonly predictor: Predictor;
};
