import {
  architectureOf,
  type Digest,
  type EvaluationResult,
  inputsOf,
  layerOf,
  type Measurement,
  mediaTypes,
  type ReadManifest,
  readManifest,
  type Score,
  spdxLicence,
} from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import { isUnusable, readSmall } from "./contents.ts";

/** Counts up when what is taken from an artifact changes: those that were taken by an earlier version are read again when the catalog opens. */
export const FACTS_VERSION = 1;

/** What an artifact can be searched by. */
export type Facts = {
  /** Pairs of a field and what it says, such as `["architecture", "resnet50"]`; a field may say several things. */
  readonly texts: readonly (readonly [field: string, value: string])[];
  /** What it says of itself (`of` is undefined), or, an evaluation, of what it has measured. */
  readonly metrics: readonly { readonly of: Digest | undefined; readonly name: string; readonly value: number }[];
};

/** Longer texts are no names, and are not searched for. */
const LONGEST_VALUE = 200;

/** Reads what an artifact says of itself: its manifest, of a model the config, of an evaluation the result. What cannot be used says nothing. */
export async function readFacts(bytes: Uint8Array, store: Pick<BlobStore, "read">): Promise<Facts> {
  try {
    const manifest = readManifest(bytes);
    const config = manifest.kind === "model" ? await readSmall(manifest.config, "config", store) : undefined;
    const result =
      manifest.kind === "evaluation" ? await readSmall(layerOf(manifest, mediaTypes.evaluationLayer), "layers", store) : undefined;
    return factsOf(manifest, { config, result: result && JSON.parse(new TextDecoder().decode(result)) });
  } catch (error) {
    if (isUnusable(error)) return { texts: [], metrics: [] };
    throw error;
  }
}

/** What is searched for of an artifact, given the bytes of its config, if it is a model, and the result, if it is an evaluation. */
function factsOf(
  manifest: ReadManifest,
  { config, result }: { readonly config?: Uint8Array | undefined; readonly result?: EvaluationResult | Measurement | undefined },
): Facts {
  const { recipe, licences, task, summary } = manifest;
  const { method, network, domains } = recipe.parameters;
  const architecture = config && architectureOf(config);
  const texts: [string, unknown][] = [
    ["recipe", recipe.kind],
    ["architecture", architecture === "unknown" ? undefined : architecture],
    ["architecture", isObject(network) ? network["name"] : undefined],
    ["task", task],
    ["method", method],
    ...licences.map((licence): [string, string] => ["licence", spdxLicence(licence)]),
    ...(Array.isArray(domains) ? domains : []).map((domain): [string, unknown] => ["domain", domain]),
  ];
  const known = texts.filter(
    (pair): pair is [string, string] => typeof pair[1] === "string" && pair[1] !== "" && pair[1].length <= LONGEST_VALUE,
  );
  const own = Object.entries(summary).flatMap(([name, value]) => (typeof value === "number" ? [{ of: undefined, name, value }] : []));
  return {
    texts: [...new Map(known.map((pair) => [pair.join("\n"), pair])).values()],
    metrics: [...own, ...(result ? measuredBy(manifest, result) : [])].filter(({ value }) => Number.isFinite(value)),
  };
}

/** The scores of a result, each under the artifact that it is of: a model, or a prediction. */
function measuredBy({ recipe }: ReadManifest, result: EvaluationResult | Measurement): Facts["metrics"] {
  if (result.measure === "accuracy" && "models" in result) {
    const models = inputsOf(recipe, "models");
    return result.models.flatMap(({ heldOut, validation }, i) => [
      ...scores(models[i], heldOut, ".held-out"),
      ...scores(models[i], validation, ".validation"),
    ]);
  }
  if (result.measure !== "accuracy" && result.measure !== "calibration") return [];
  const predictions = inputsOf(recipe, "predictions");
  return result.predictions.flatMap((measured, i) => {
    const of = predictions[i];
    if ("ece" in measured)
      return [
        { of, name: "ece", value: measured.ece },
        { of, name: "brier", value: measured.brier },
      ];
    return [
      ...scores(of, measured, ""),
      ...measured.domains.flatMap((score) => (score.count > 0 ? scores(of, score, `.${score.domain}`) : [])),
    ];
  });
}

function scores(of: Digest | undefined, score: Score | undefined, suffix: string): Facts["metrics"] {
  if (score === undefined || of === undefined) return [];
  return [
    { of, name: `accuracy${suffix}`, value: score.correct / score.count },
    { of, name: `loss${suffix}`, value: score.loss },
  ];
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}
