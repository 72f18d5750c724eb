import { createHash } from "node:crypto";
import { type ModelFiles, type PlannedFile, planOutputs } from "#libs/models";
import { canonicalJson, type Digest, type Json } from "#libs/recipes";
import type { Dtype } from "#libs/tensors";
import { AdapterError } from "./errors.ts";
import { inputTable } from "./inputs.ts";
import { intoBase, type Unplaced } from "./into-base.ts";
import { type Lora, PREFIX, readLora } from "./lora.ts";
import { stacked } from "./stacked.ts";
import type { AdapterPlan, AdapterTensor } from "./types.ts";
import type { MeanOf } from "./whole-mean.ts";

/** What to average and into what. */
export type AdapterRequest = {
  readonly adapters: readonly ModelFiles[];
  /** The weights' digest of each adapter; with the coefficients they decide the bytes. */
  readonly digests: readonly Digest[];
  /** One for each adapter; by default all count alike, 1 / number of adapters. */
  readonly weights?: readonly number[] | undefined;
  /** With a base the result is a model; without one an adapter of higher rank. */
  readonly base?: ModelFiles | undefined;
  readonly baseDigest?: Digest | undefined;
  /** Type of the result's floating-point tensors; by default that of the base, or of the adapters. */
  readonly dtype?: Dtype | undefined;
  /** Tensors that are left out of the result, by their names in the base or in the adapters' files. */
  readonly exclude?: ReadonlySet<string> | undefined;
  readonly single?: string | undefined;
  readonly maxShardBytes?: number | undefined;
  /** What the files of a model are called instead of "model", as its loader looks for them. */
  readonly stem?: string | undefined;
};

/** Version of how planned tensors become bytes. A change that changes bytes changes it. */
const ARITHMETIC = "adapters/1";
const ADAPTER_FILE = "adapter_model.safetensors";

/**
 * Plans an average of LoRA adapters as what they mean, products: the mean of A and the mean of B have a product that is not the mean of the
 * products. Either all go into the base,
 *   W = W₀ + Σ wᵢ sᵢ Bᵢ Aᵢ      (f64; wᵢ sᵢ multiplies B first; adapters and ranks in their order; one rounding)
 * or they become one adapter whose rank is the sum of their ranks, with the same products:
 *   A = [A₁; A₂; …],  B = [w₁ s₁ B₁, w₂ s₂ B₂, …],  lora_alpha = r      (one rounding of each number of B).
 * Weights need not sum to 1. Tensors that were trained whole (modules_to_save) become Σ wᵢ xᵢ / Σ wᵢ; adapters without them have the
 * base's. So does what was saved under products (base_layer). An adapter without a module adds nothing to it. Where the base's head is its
 * embedding and one of them changes, the head gets a tensor of its own. Pure; nothing of the weights is read.
 * @throws AdapterError with every reason why it cannot be done.
 */
export function planAdapters(request: AdapterRequest): AdapterPlan {
  const { adapters, digests, base, baseDigest } = request;
  const weights = request.weights ?? adapters.map(() => 1 / adapters.length);
  if (adapters.length === 0) throw new AdapterError(["there is no adapter"]);
  if (weights.length !== adapters.length)
    throw new AdapterError([`${adapters.length} adapters need as many weights, not ${weights.length}`]);
  const odd = weights.find((weight) => !Number.isFinite(weight));
  if (odd !== undefined) throw new AdapterError([`a weight is ${odd}; it has to be a number`]);
  if (digests.length !== adapters.length || (base && !baseDigest)) throw new RangeError("every adapter and the base need a digest");
  const problems: string[] = [];
  const loras = adapters.flatMap((adapter) => {
    try {
      return [readLora(adapter)];
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new AdapterError(problems);
  const inputs = inputTable();
  const mean: MeanOf = { loras, weights, inputs, problems, base: base?.name };
  const options = { dtype: request.dtype, exclude: excluded(request, loras, problems) };
  const made: { tensors: readonly Unplaced[]; config?: string; tied?: false } =
    base === undefined ? stacked(mean, options) : intoBase(base, mean, options);
  const { tensors, config, tied } = made;
  if (tensors.length === 0) problems.push("nothing is left of the adapters");
  if (problems.length > 0) throw new AdapterError([...new Set(problems)]);
  const layout = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const { outputs, places, index } = planOutputs(layout, {
    ...(base === undefined ? { single: request.single ?? ADAPTER_FILE } : request.single === undefined ? {} : { single: request.single }),
    ...(request.maxShardBytes === undefined ? {} : { maxShardBytes: request.maxShardBytes }),
    ...(request.base === undefined ? {} : { stem: request.stem, folders: request.base.folders }),
  });
  const placed = tensors.map((tensor): AdapterTensor => ({ ...tensor, ...twoDimensions(tensor.shape), ...places.get(tensor.name)! }));
  const plan = {
    inputs: inputs.files,
    outputs,
    tensors: placed,
    origins: inputs.origins(),
    ...(index === undefined ? {} : { index }),
    ...(config === undefined ? {} : { config }),
    ...(tied === undefined ? {} : { tied }),
  };
  return { key: planKey(request, weights, outputs, placed, config), ...plan };
}

/** Names of tensors in the base, or of the adapters' files, as names in the base. */
function excluded({ exclude = new Set(), base }: AdapterRequest, loras: readonly Lora[], problems: string[]): ReadonlySet<string> {
  const known = new Set([
    ...(base?.tensors.keys() ?? []),
    ...loras.flatMap(({ modules, saved, under }) => [...modules.keys(), ...saved.keys(), ...under.keys()]),
  ]);
  const byFile = new Map(
    loras.flatMap(({ modules, saved }) => [
      ...[...modules.values()].flatMap(({ names, target }) => [names.a, names.b].map((name) => [name, target] as const)),
      ...[...saved.keys()].map((name) => [PREFIX + name, name] as const),
    ]),
  );
  const names = [...exclude].map((name) => byFile.get(name) ?? name);
  for (const name of names) {
    const where = base === undefined ? "the adapters change no such tensor" : `neither ${base.name} nor an adapter has it`;
    if (!known.has(name)) problems.push(`${JSON.stringify(name)} cannot be left out: ${where}`);
  }
  return new Set(names);
}

function twoDimensions(shape: readonly number[]): { rows: number; columns: number } {
  const [rows = 1, ...others] = shape;
  return { rows, columns: others.reduce((product, dimension) => product * dimension, 1) };
}

/** sha-256 of what decides the bytes, as 64 hexadecimal digits. */
function planKey(
  { digests, baseDigest }: AdapterRequest,
  weights: readonly number[],
  outputs: readonly PlannedFile[],
  tensors: readonly AdapterTensor[],
  config: string | undefined,
): string {
  const headers = outputs.map(({ name, header }) => [name, createHash("sha256").update(header).digest("hex")]);
  const rules = tensors.map((tensor) => tensor as unknown as Json);
  return createHash("sha256")
    .update(canonicalJson([ARITHMETIC, [...digests], baseDigest ?? null, [...weights], headers, rules, config ?? null]))
    .digest("hex");
}
