import { type Artifacts, createArtifacts } from "#libs/artifacts";
import {
  canonicalRecipe,
  type Digest,
  type EvaluationResult,
  layerOf,
  type Measurement,
  mediaTypes,
  type Recipe,
  readManifest,
  type TrainingSummary,
} from "#libs/recipes";
import type { Clients, ServiceClient } from "#libs/rpc";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Outcome } from "../plan/outcome.ts";

/** What the evaluation service found. `computeMs` is 0 if it knew it before. */
export type Evaluated = { readonly artifact: Artifact; readonly result: EvaluationResult | Measurement; readonly computeMs: number };

/** The services that do the work of a run. */
export type Executors = {
  readonly artifacts: Artifacts;
  readonly catalog: ServiceClient<typeof CatalogService>;
  readonly finetune: ServiceClient<typeof FinetuneService>;
  /** Averages, and returns the artifact. `reproduce` does it anew and publishes nothing. */
  average(recipe: Recipe, options: { readonly signal: AbortSignal; readonly reproduce?: boolean }): Promise<Artifact>;
  /** Evaluates, and returns the artifact, the result, and how long it took to compute. */
  evaluate(recipe: Recipe, options: { readonly signal: AbortSignal; readonly reproduce?: boolean }): Promise<Evaluated>;
};

/** An evaluation of large models may take long; its service answers with the result only. */
const EVALUATION_TIMEOUT_MS = 3_600_000;
const AVERAGE_IDLE_TIMEOUT_MS = 300_000;

/** The services that clients reach. */
export function createExecutors(clients: Clients): Executors {
  const averaging = clients.client(AveragingService);
  const evaluation = clients.client(EvaluationService);
  return {
    artifacts: createArtifacts(clients),
    catalog: clients.client(CatalogService),
    finetune: clients.client(FinetuneService),
    async average(recipe, { signal, reproduce = false }) {
      const request = { recipe: canonicalRecipe(recipe), reproduce };
      for await (const { event } of averaging.average(request, { signal, timeoutMs: 0, idleTimeoutMs: AVERAGE_IDLE_TIMEOUT_MS })) {
        if (event.case === "artifact") return event.value;
      }
      throw new Error("The averaging service ended without an artifact");
    },
    async evaluate(recipe, { signal, reproduce = false }) {
      const { artifact, result, computeMs } = await evaluation.evaluate(
        { recipe: canonicalRecipe(recipe), reproduce },
        { signal, timeoutMs: EVALUATION_TIMEOUT_MS },
      );
      if (!artifact) throw new Error("The evaluation service answered without an artifact");
      return { artifact, result: JSON.parse(result) as Evaluated["result"], computeMs: Number(computeMs) };
    },
  };
}

/** Whether the evaluation service runs a recipe. */
export function isMeasured({ kind }: Pick<Recipe, "kind">): boolean {
  return kind === "evaluate" || kind === "measure";
}

/** What the rest of a run needs to know of an artifact. Evaluations are small and read at once. */
export async function outcomeOf(artifact: Artifact, artifacts: Artifacts, signal: AbortSignal): Promise<Outcome> {
  const manifest = readManifest(artifact.manifest);
  const digest = artifact.digest as Digest;
  if (manifest.kind === "evaluation") {
    const bytes = await artifacts.download(layerOf(manifest, mediaTypes.evaluationLayer).digest, { signal });
    return { state: "done", digest, result: JSON.parse(new TextDecoder().decode(bytes)) as Evaluated["result"] };
  }
  if (manifest.kind === "dataset") return { state: "done", digest, data: layerOf(manifest, mediaTypes.datasetLayer).digest };
  if (typeof manifest.summary["bestStep"] !== "number") return { state: "done", digest };
  const curve = manifest.layers.find(({ mediaType }) => mediaType === mediaTypes.document)?.digest;
  return { state: "done", digest, trained: { ...(manifest.summary as TrainingSummary), ...(curve ? { curve } : {}) } };
}
