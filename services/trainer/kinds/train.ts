import { type Batch, eachBatch, openBatches } from "#libs/batches";
import { decodeNetworkCheckpoint, NETWORK_CHECKPOINT, type NetworkStep, trainNetwork, type ValidationPass } from "#libs/learning";
import { fitWeights, initialise, type Network, type NetworkWeights } from "#libs/networks";
import { type Digest, inputsOf, type Json, mediaTypes, type Recipe, RecipeError, type TrainParameters } from "#libs/recipes";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { Made } from "../product.ts";
import { resumeFrom, type Watch } from "../watch.ts";
import { layerOf, type Work } from "../work.ts";
import { openImages, readImages } from "./images.ts";
import { engineFor, networkIn } from "./network.ts";
import { checkTransform } from "./transform.ts";
import { readWeights, weightsFile } from "./weights.ts";

/** Rows of validation data that go through the network together. */
const VALIDATION_ROWS = 64;

/**
 * Runs a recipe of kind `train`.
 * @throws RecipeError, UnfitWeightsError, ImageError, NonFiniteLossError, EngineMissingError, CacheFullError, the signal's reason
 */
export async function train(recipe: Recipe, work: Work, watch: Watch): Promise<Made> {
  const parameters = recipe.parameters as TrainParameters;
  const seed = recipe.seed ?? 0;
  const { transform } = parameters;
  if (transform === undefined)
    throw new RecipeError("parameters.transform", "is missing: this trainer trains on images, which have one, and not on records");
  for (const [phase, name] of Object.entries(transform)) checkTransform(`parameters.transform.${phase}`, name);
  const network = networkIn(recipe);
  const engine = await engineFor(recipe, work);
  const images = await readImages(recipe, work);
  const training = images.rowsOf(recipe.inputs["split"] === undefined ? "all" : "training");
  const validation = parameters.validate === undefined ? [] : images.rowsOf("validation").filter((rows) => rows.length > 0);
  checkRows(training, validation, parameters);
  const weights = await startingWeights(recipe, network, work);
  await using opened = await openImages(images.index, [...training, ...validation], network, work);
  const { loader } = opened;
  const { batch, sampling } = parameters;
  const replacement = sampling === "with-replacement";
  const result = await finish(
    trainNetwork({
      ...{ engine, network, parameters, seed, weights },
      batches: (fromStep) => openBatches({ loader, domains: training, seed, batch, replacement, transform: transform.training, fromStep }),
      validation: watched(validation, watch.onValidating, (rows) =>
        eachBatch({ loader, rows, batch: VALIDATION_ROWS, transform: transform.validation, seed }),
      ),
      checkpoint: resumeFrom(watch, NETWORK_CHECKPOINT, decodeNetworkCheckpoint),
      signal: watch.signal,
    }),
    watch.onStep,
  );
  return {
    outputs: [{ role: "weights", content: () => weightsFile(result.weights) }],
    summary: result.summary,
    curve: result.curve as Json,
  };
}

/** Passes over the rows of each domain, one domain after another, that tell how far they are. */
function watched(
  domains: readonly Int32Array[],
  onValidating: Watch["onValidating"],
  batchesOf: (rows: Int32Array) => AsyncIterable<Batch>,
): ValidationPass[] {
  const total = domains.reduce((sum, rows) => sum + rows.length, 0);
  let before = 0;
  return domains.map((rows) => {
    const began = before;
    before += rows.length;
    return async function* pass() {
      let done = began;
      for await (const batch of batchesOf(rows)) {
        yield batch;
        done += batch.rows;
        onValidating?.(done / total);
      }
    };
  });
}

function checkRows(training: readonly Int32Array[], validation: readonly Int32Array[], { domains, validate }: TrainParameters): void {
  const empty = training.findIndex((rows) => rows.length === 0);
  if (empty >= 0) throw new RecipeError(`parameters.domains.${empty}`, `of ${domains[empty]} no row is left to train on`);
  if (validate !== undefined && validation.length === 0)
    throw new RecipeError("parameters.validate", "asks for validation, and no domain has rows for it");
}

/**
 * Where a training starts: at the weights of the input, else at what the seed draws; with the head of another model where there is one, and
 * with a drawn head where the weights' own is for other classes.
 */
async function startingWeights(recipe: Recipe, network: Network, work: Work): Promise<NetworkWeights> {
  const read = async (role: string): Promise<Awaited<ReturnType<typeof readWeights>> | undefined> => {
    const [digest] = inputsOf(recipe, role);
    return digest === undefined ? undefined : readInput(digest, role, work);
  };
  const [given, headed] = [await read("weights"), await read("head")];
  const start = new Map(given ? fitWeights(network, given, { head: headed ? "drop" : "fit" }).weights : []);
  const { weights: whole } = headed ? fitWeights(network, headed, { head: "require" }) : { weights: new Map() as NetworkWeights };
  for (const name of network.head) if (whole.has(name)) start.set(name, whole.get(name)!);
  return initialise(network, recipe.seed ?? 0, start);
}

async function readInput(digest: Digest, role: string, work: Work) {
  using file = await work.hold(layerOf(work.input(digest), ArtifactKind.MODEL, mediaTypes.weights, role));
  return readWeights(file.path);
}

async function finish<R>(steps: AsyncGenerator<NetworkStep, R, void>, onStep: Watch["onStep"]): Promise<R> {
  for (;;) {
    const next = await steps.next();
    if (next.done) return next.value;
    onStep?.(next.value);
  }
}
