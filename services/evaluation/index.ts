import { createArtifacts } from "#libs/artifacts";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { createEvaluator } from "./evaluator.ts";
import { createInputs } from "./inputs.ts";
import type { Computed, EvaluationJob } from "./run-evaluation.ts";
import { createEvaluationService } from "./service.ts";
import { createWorkerPool } from "./worker-pool.ts";

/** Models and data sets that are kept in memory: a set of members is measured many times. */
const CACHE_BYTES = 256 << 20;

/** What the evaluation service needs. */
export type EvaluationDependencies = {
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** The most worker threads; the number of cores by default. */
  readonly workers?: number;
};

/** The evaluation service. It has no state: what it found is in the catalog. */
export async function createEvaluation({ clients, log, workers }: EvaluationDependencies): Promise<Service> {
  const artifacts = createArtifacts(clients);
  const pool = createWorkerPool<EvaluationJob, Computed>({ module: new URL("./worker.ts", import.meta.url), workers });
  const evaluator = createEvaluator({ artifacts, inputs: createInputs(artifacts, CACHE_BYTES), pool, log });
  return {
    name: "evaluation",
    registrations: [implement(EvaluationService, createEvaluationService(evaluator))],
    // Work happens inside calls only.
    run: async () => {},
    checks: [],
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
