import { createArtifacts } from "#libs/artifacts";
import { createLimit } from "#libs/concurrency";
import { type EvaluationResult, layerOf, mediaTypes, type ReadManifest, readManifest, type Score } from "#libs/recipes";
import { allPages, Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";

/** Shares of right answers, from 0 to 1, on the data that a model was chosen by and on those that no choice has seen. */
export type Accuracy = { readonly validation?: number; readonly heldOut?: number };

/** Results that are fetched at once. */
const AT_ONCE = 16;

/**
 * How well models do, as far as the catalog knows: by the newest evaluation that measured them, or by what their training says of itself.
 * @returns by digest; models that nobody has measured are left out
 */
export async function accuraciesOf(
  models: readonly Pick<Artifact, "digest" | "kind" | "manifest">[],
  channel: RpcChannel,
  signal: AbortSignal,
): Promise<Map<string, Accuracy>> {
  const found = new Map<string, Accuracy>();
  for (const { digest, manifest } of models) {
    const { validationAccuracy } = readManifest(manifest).summary;
    if (typeof validationAccuracy === "number") found.set(digest, { validation: validationAccuracy });
  }
  const wanted = new Set(models.filter(({ kind }) => kind === ArtifactKind.MODEL).map(({ digest }) => digest));
  const evaluations = wanted.size === 0 ? [] : await evaluationsOf(wanted, channel, signal);
  const artifacts = createArtifacts(channel);
  const limit = createLimit(AT_ONCE);
  const results = await Promise.all(evaluations.map((evaluation) => limit(() => resultOf(evaluation, artifacts, signal))));
  // The oldest first: the newest has the last word.
  for (const [i, evaluation] of [...evaluations.entries()].toReversed()) {
    for (const [model, digest] of measuredModels(evaluation).entries())
      if (wanted.has(digest)) found.set(digest, { ...found.get(digest), ...accuracyOf(results[i], model) });
  }
  return found;
}

/** Evaluations of the accuracy of at least one of these models, newest first. */
async function evaluationsOf(wanted: ReadonlySet<string>, channel: RpcChannel, signal: AbortSignal): Promise<ReadManifest[]> {
  const catalog = channel.client(CatalogService);
  const found: ReadManifest[] = [];
  const list = (pageToken: string) => catalog.listArtifacts({ kind: ArtifactKind.EVALUATION, pageSize: 500, pageToken }, { signal });
  for await (const { artifacts } of allPages(list))
    for (const { inputs, damaged, manifest } of artifacts) {
      if (damaged || !inputs.some((digest) => wanted.has(digest))) continue;
      const evaluation = readManifest(manifest);
      if (evaluation.recipe.parameters["measure"] === "accuracy") found.push(evaluation);
    }
  return found;
}

/** In the order of the result's models. */
function measuredModels({ recipe }: ReadManifest): readonly string[] {
  const models = recipe.inputs["models"] ?? [];
  return typeof models === "string" ? [models] : models;
}

/** Undefined where the result is lost: that is told of the evaluation, and no reason not to list models. */
async function resultOf(
  evaluation: ReadManifest,
  artifacts: ReturnType<typeof createArtifacts>,
  signal: AbortSignal,
): Promise<EvaluationResult | undefined> {
  try {
    const bytes = await artifacts.download(layerOf(evaluation, mediaTypes.evaluationLayer).digest, { signal });
    return JSON.parse(new TextDecoder().decode(bytes)) as EvaluationResult;
  } catch (error) {
    if (isRpcError(error, Code.NOT_FOUND) || isRpcError(error, Code.DATA_LOSS)) return undefined;
    throw error;
  }
}

function accuracyOf(result: EvaluationResult | undefined, model: number): Accuracy {
  const { validation, heldOut } = (result?.measure === "accuracy" ? result.models[model] : undefined) ?? {};
  return { ...(validation ? { validation: share(validation) } : {}), ...(heldOut ? { heldOut: share(heldOut) } : {}) };
}

function share({ correct, count }: Score): number {
  return correct / count;
}
