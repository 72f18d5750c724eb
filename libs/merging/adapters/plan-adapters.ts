import { createHash } from "node:crypto";
import { type ModelFiles, type PlannedFile, planOutputs, type TensorPlace } from "#libs/models";
import { canonicalJson, type Digest, type Json } from "#libs/recipes";
import type { Dtype } from "#libs/tensors";
import { isAveraged } from "../compatibility/structure.ts";
import type { InputFile } from "../plan/types.ts";
import { AdapterError } from "./errors.ts";
import { type Factor, type Lora, type LoraModule, productShape, readLora } from "./lora.ts";
import type { AdapterFactor, AdapterPlan, AdapterRule, AdapterSource, AdapterTensor } from "./types.ts";

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
 * Weights need not sum to 1. Tensors that were trained whole (modules_to_save) become Σ wᵢ xᵢ / Σ wᵢ. An adapter without a module adds
 * nothing to it. Pure; nothing of the weights is read.
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
  const { tensors, config } =
    base === undefined ? stacked(loras, weights, request, inputs, problems) : into(base, loras, weights, request, inputs, problems);
  if (problems.length > 0) throw new AdapterError(problems);
  const layout = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const { outputs, places, index } = planOutputs(layout, {
    ...(base === undefined ? { single: request.single ?? ADAPTER_FILE } : request.single === undefined ? {} : { single: request.single }),
    ...(request.maxShardBytes === undefined ? {} : { maxShardBytes: request.maxShardBytes }),
    ...(request.base === undefined ? {} : { stem: request.stem, folders: request.base.folders }),
  });
  const placed = tensors.map(
    ({ shape, ...tensor }): AdapterTensor => ({ ...tensor, ...twoDimensions(shape), ...places.get(tensor.name)! }),
  );
  const plan = {
    inputs: inputs.files,
    outputs,
    tensors: placed,
    ...(index === undefined ? {} : { index }),
    ...(config === undefined ? {} : { config }),
  };
  return { key: planKey(request, weights, outputs, placed, config), ...plan };
}

type Unplaced = { readonly name: string; readonly dtype: Dtype; readonly shape: readonly number[]; readonly rule: AdapterRule };
type Inputs = ReturnType<typeof inputTable>;

/** The base with everything added. */
function into(
  base: ModelFiles,
  loras: readonly Lora[],
  weights: readonly number[],
  { dtype }: AdapterRequest,
  inputs: Inputs,
  problems: string[],
): { tensors: Unplaced[]; config?: string } {
  const total = weights.reduce((a, b) => a + b, 0);
  const changed = new Set<string>();
  const tensors = [...base.tensors].map(([name, place]): Unplaced => {
    const source = inputs.source(base, place);
    const shape = place.shape;
    const terms = loras.flatMap((lora, k) => {
      const module = lora.modules.get(name);
      if (module === undefined) return [];
      const [rows, columns] = productShape(module);
      const { rows: own, columns: across } = twoDimensions(shape);
      if (rows !== own || columns !== across || !isAveraged(place.dtype)) {
        problems.push(`${lora.model.name}: ${name} is [${shape.join(", ")}] in ${base.name}, and its product is [${rows}, ${columns}]`);
      }
      return [term(lora, module, weights[k]! * module.scaling, inputs)];
    });
    const saved = savedTensor(name, loras, weights, total, inputs, problems, place);
    if (terms.length > 0 || saved) changed.add(name);
    if (terms.length > 0 && saved) problems.push(`${name} has products in some adapters and was trained whole in others`);
    const type = isAveraged(place.dtype) ? (dtype ?? place.dtype) : place.dtype;
    if (saved) return { name, dtype: type, shape, rule: saved.rule };
    if (terms.length > 0) return { name, dtype: type, shape, rule: { kind: "products", base: source, terms } };
    if (type === place.dtype) return { name, dtype: type, shape, rule: { kind: "copy", source } };
    return { name, dtype: type, shape, rule: { kind: "sum", terms: [{ source, coefficient: 1 }] } };
  });
  for (const lora of loras) {
    for (const target of lora.modules.keys()) {
      if (!changed.has(target)) problems.push(`${lora.model.name}: there is no tensor ${JSON.stringify(target)} in ${base.name}`);
    }
  }
  // Heads that the base does not have: they were trained whole, and come along.
  const added = new Set(loras.flatMap(({ saved }) => [...saved.keys()]).filter((name) => !base.tensors.has(name)));
  for (const name of added) tensors.push(savedTensor(name, loras, weights, total, inputs, problems)!);
  return { tensors };
}

/** One adapter whose products are the weighted sums of the products. */
function stacked(
  loras: readonly Lora[],
  weights: readonly number[],
  { dtype }: AdapterRequest,
  inputs: Inputs,
  problems: string[],
): { tensors: Unplaced[]; config: string } {
  const targets = [...new Set(loras.flatMap(({ modules }) => [...modules.keys()]))];
  const ranks = new Map<string, number>();
  const tensors: Unplaced[] = [];
  for (const target of targets) {
    const parts = loras.flatMap((lora, k) => {
      const module = lora.modules.get(target);
      return module === undefined ? [] : [{ lora, module, coefficient: weights[k]! * module.scaling }];
    });
    const [{ lora: owner, module: first }] = parts as [(typeof parts)[0]];
    for (const { lora, module } of parts) {
      const same = module.a.place.shape.slice(1).join() === first.a.place.shape.slice(1).join() && module.b.rows === first.b.rows;
      if (!same || module.transposed !== first.transposed) {
        const shapes = (of: LoraModule) => `lora_A [${of.a.place.shape.join(", ")}], lora_B [${of.b.place.shape.join(", ")}]`;
        problems.push(`${target} is ${shapes(first)} in ${owner.model.name} and ${shapes(module)} in ${lora.model.name}`);
      }
    }
    const rank = parts.reduce((sum, { module }) => sum + module.rank, 0);
    ranks.set(target.replace(/\.weight$/, ""), rank);
    const type = dtype ?? widest(parts.flatMap(({ module }) => [module.a.place.dtype, module.b.place.dtype]));
    const a = { kind: "rows" as const, sources: parts.map(({ lora, module }) => inputs.factor(lora.model, module.a)) };
    const terms = parts.map(({ lora, module, coefficient }) => ({ source: inputs.factor(lora.model, module.b), coefficient }));
    const [, ...across] = first.a.place.shape;
    const [outputs = 0, , ...kernel] = first.b.place.shape;
    tensors.push({ name: first.names.a, dtype: type, shape: [rank, ...across], rule: a });
    tensors.push({ name: first.names.b, dtype: type, shape: [outputs, rank, ...kernel], rule: { kind: "columns", terms } });
  }
  const total = weights.reduce((a, b) => a + b, 0);
  for (const name of new Set(loras.flatMap(({ saved }) => [...saved.keys()]))) {
    const saved = savedTensor(name, loras, weights, total, inputs, problems);
    if (saved) tensors.push({ ...saved, name: `base_model.model.${name}`, dtype: dtype ?? saved.dtype });
  }
  return { tensors, config: stackedConfig(loras, ranks) };
}

function term({ model }: Lora, { a, b, transposed }: LoraModule, coefficient: number, inputs: Inputs) {
  return { a: inputs.factor(model, a), b: inputs.factor(model, b), coefficient, transposed };
}

/** A tensor that was trained whole: its weighted mean. Undefined where no adapter has it. */
function savedTensor(
  name: string,
  loras: readonly Lora[],
  weights: readonly number[],
  total: number,
  inputs: Inputs,
  problems: string[],
  inBase?: TensorPlace,
): Unplaced | undefined {
  const owners = loras.filter(({ saved }) => saved.has(name));
  if (owners.length === 0) return undefined;
  if (owners.length < loras.length) {
    const without = loras.filter((lora) => !owners.includes(lora)).map(({ model }) => model.name);
    problems.push(`${name} was trained whole in ${owners.map(({ model }) => model.name).join(", ")}, and is not in ${without.join(", ")}`);
  }
  if (total === 0) problems.push(`the weights sum to 0, so that ${name}, which was trained whole, has no mean`);
  const places = owners.map((lora) => lora.saved.get(name)!);
  const shapes = new Set([...places, ...(inBase ? [inBase] : [])].map(({ shape }) => `[${shape.join(", ")}]`));
  if (shapes.size > 1) problems.push(`${name} has the shapes ${[...shapes].join(" and ")}`);
  const terms = owners.map((lora, k) => ({
    source: inputs.source(lora.model, places[k]!),
    coefficient: weights[loras.indexOf(lora)]! / total,
  }));
  const dtype = inBase?.dtype ?? widest(places.map((place) => place.dtype));
  return { name, dtype, shape: places[0]!.shape, rule: { kind: "sum", terms } };
}

/** The first adapter's configuration, with the ranks of the result, and lora_alpha = r: B holds all scalings. */
function stackedConfig(loras: readonly Lora[], ranks: ReadonlyMap<string, number>): string {
  const counts = new Map<number, number>();
  for (const rank of ranks.values()) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  const [rank = 1] = [...counts].sort(([a, m], [b, n]) => n - m || b - a)[0] ?? [];
  const others = Object.fromEntries([...ranks].filter(([, each]) => each !== rank).sort(([a], [b]) => (a < b ? -1 : 1)));
  const modules = new Set(loras.flatMap(({ model }) => listOf(model.config!["target_modules"])));
  const saved = new Set(loras.flatMap(({ model }) => listOf(model.config!["modules_to_save"])));
  const first = loras[0]!.model.config!;
  const config: { [name: string]: Json } = {
    ...first,
    r: rank,
    lora_alpha: rank,
    use_rslora: false,
    rank_pattern: others,
    alpha_pattern: others,
    init_lora_weights: true,
    target_modules: typeof first["target_modules"] === "string" ? first["target_modules"] : [...modules].sort(),
    modules_to_save: saved.size > 0 ? [...saved].sort() : null,
    inference_mode: true,
  };
  const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}

function listOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** The type that holds numbers of all these types: F16 and BF16 meet in F32. */
function widest(types: readonly Dtype[]): Dtype {
  const distinct = new Set(types);
  if (distinct.has("F64")) return "F64";
  return distinct.size === 1 ? types[0]! : "F32";
}

function twoDimensions(shape: readonly number[]): { rows: number; columns: number } {
  const [rows = 1, ...others] = shape;
  return { rows, columns: others.reduce((product, dimension) => product * dimension, 1) };
}

/** Gives the files that are read their numbers. */
function inputTable() {
  const files: InputFile[] = [];
  const numbers = new Map<string, number>();
  const source = (model: ModelFiles, { file, offset, dtype }: TensorPlace): AdapterSource => {
    const { path, size, identity } = model.files[file]!;
    let number = numbers.get(path);
    if (number === undefined) {
      number = files.push({ path, size, identity }) - 1;
      numbers.set(path, number);
    }
    return { file: number, offset, dtype };
  };
  const factor = (model: ModelFiles, { place, rows, columns }: Factor): AdapterFactor => ({ ...source(model, place), rows, columns });
  return { files, source, factor };
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
