import type { ModelFiles, TensorPlace } from "#libs/models";
import { isAveraged } from "../compatibility/structure.ts";
import { AdapterError, several } from "./errors.ts";
import { type LoraConfig, readLoraConfig } from "./lora-config.ts";

/** A matrix of an adapter: where it lies, seen with two dimensions. */
export type Factor = { readonly place: TensorPlace; readonly rows: number; readonly columns: number };

/** What an adapter adds to one weight of its base: scaling · B · A. */
export type LoraModule = {
  /** The weight's name in the base model. */
  readonly target: string;
  readonly a: Factor;
  readonly b: Factor;
  readonly rank: number;
  readonly scaling: number;
  /** Factors of an embedding, whose weight is stored as the transpose of B · A. */
  readonly embedding: boolean;
  /** The weight is stored as the transpose of B · A: embeddings, and matrices of GPT-2, as far as the adapter knows. */
  readonly transposed: boolean;
  /** As the file has them. */
  readonly names: { readonly a: string; readonly b: string };
};

/** A LoRA adapter: products, and whole tensors that were trained besides. */
export type Lora = {
  readonly model: ModelFiles;
  readonly config: LoraConfig;
  /** By target. */
  readonly modules: ReadonlyMap<string, LoraModule>;
  /** Tensors that take the place of the base's, by their name there: of modules_to_save, and embeddings that were saved along. */
  readonly saved: ReadonlyMap<string, TensorPlace>;
  /** Weights under products that take the place of the base's (base_layer), by their name there. */
  readonly under: ReadonlyMap<string, TensorPlace>;
};

/** What PEFT writes before every name. */
export const PREFIX = "base_model.model.";
const PART = /^(.+?)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?$/;
const UNDER = /^(.+)\.base_layer\.(\w+)$/;
/** Embeddings and heads, which PEFT saves whole where tokens were added. */
const EMBEDDING = /(^|\.)(embed_tokens|wte|word_embeddings|shared|embed_in|tok_embeddings|embed|lm_head|embed_out)$/;

type Half = { readonly name: string; readonly place: TensorPlace };
type Part = { a?: Half; b?: Half; readonly embedding: boolean };

/**
 * Reads what a PEFT folder is made of. Nothing of the weights.
 * @throws AdapterError with everything that is not plain LoRA: other kinds of adapters, tensors without their other half, wrong ranks, and
 * tensors that PEFT would not load by this configuration.
 */
export function readLora(model: ModelFiles): Lora {
  const { name, config: json, tensors } = model;
  if (model.kind !== "adapter" || json === undefined)
    throw new AdapterError([`${name} is no adapter: a folder with adapter_config.json is one`]);
  const { config, problems: wrong } = readLoraConfig(json, name);
  if (wrong.length > 0) throw new AdapterError(wrong);
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`${name}: ${problem}`);
  const { parts, others } = partsOf(tensors, say);
  const modules = new Map<string, LoraModule>();
  const ignored: string[] = [];
  for (const [module, part] of parts) {
    const read = moduleOf(module, part, config, say);
    if (read === undefined) continue;
    modules.set(read.target, read);
    if (!config.targets(module)) ignored.push(module);
  }
  if (ignored.length > 0)
    say(`${several(ignored)} would not be loaded: by target_modules, layers and exclusions of adapter_config.json they have no factors`);
  const { saved, under } = wholeTensors(others, modules, config, say);
  if (config.ensuresTying && [...modules.keys(), ...saved.keys()].some((tensor) => EMBEDDING.test(tensor.replace(/\.\w+$/, ""))))
    say("ensure_weight_tying ties what was trained of the embedding and of the head, which cannot be averaged");
  if (problems.length > 0) throw new AdapterError(problems);
  return { model, config, modules, saved, under };
}

/** Tensors by the module whose factors they are, and all others by their names in the base. */
function partsOf(tensors: ModelFiles["tensors"], say: (problem: string) => void) {
  const parts = new Map<string, Part>();
  const others = new Map<string, TensorPlace>();
  const strange: { readonly [why: string]: string[] } = { prefix: [], twice: [], again: [] };
  for (const [tensor, place] of tensors) {
    if (!isAveraged(place.dtype)) say(`tensor ${JSON.stringify(tensor)} is ${place.dtype}, which has no sums`);
    const inner = tensor.startsWith(PREFIX) ? tensor.slice(PREFIX.length) : undefined;
    const [, module, embedding, letter] = PART.exec(inner ?? "") ?? [];
    if (inner === undefined) strange["prefix"]!.push(tensor);
    else if (inner.startsWith(PREFIX)) strange["twice"]!.push(tensor);
    else if (module === undefined) others.set(inner, place);
    else {
      const part: Part = parts.get(module) ?? { embedding: embedding !== undefined };
      const half = letter === "A" ? "a" : "b";
      if (part[half] !== undefined || part.embedding !== (embedding !== undefined)) strange["again"]!.push(tensor);
      part[half] = { name: tensor, place };
      parts.set(module, part);
    }
  }
  const { prefix, twice, again } = strange as { [why: string]: string[] };
  if (prefix!.length > 0) say(`names of PEFT begin with ${PREFIX}, and ${several(prefix!)} not, so that nothing would be loaded of them`);
  if (twice!.length > 0) say(`${several(twice!)} begin with ${PREFIX} twice, of a model that was wrapped twice: save the adapter anew`);
  if (again!.length > 0) say(`${several(again!)} are there under two names`);
  return { parts, others };
}

function moduleOf(module: string, { a, b, embedding }: Part, config: LoraConfig, say: (problem: string) => void): LoraModule | undefined {
  if (a === undefined || b === undefined) {
    say(`${module} has ${a ? "lora_A" : "lora_B"} without ${a ? "lora_B" : "lora_A"}`);
    return undefined;
  }
  const [first, second] = [matrix(a.place), matrix(b.place)];
  const dimensions = a.place.shape.length;
  const rank = first.rows;
  const shapes = `lora_A [${a.place.shape.join(", ")}] and lora_B [${b.place.shape.join(", ")}]`;
  if (dimensions < 2 || second.columns !== rank || rank === 0) say(`${module} has ${shapes}, which do not fit together`);
  else if (config.rankOf(module) !== rank) say(`${module} has the rank ${rank}, and adapter_config.json says ${config.rankOf(module)}`);
  const scaling = config.scalingOf(module, rank);
  const transposed = embedding || (config.fanInFanOut && dimensions === 2);
  return { target: `${module}.weight`, a: first, b: second, rank, scaling, embedding, transposed, names: { a: a.name, b: b.name } };
}

/** Whole tensors: those that PEFT loads in the place of the base's. It passes over all others, which is said here. */
function wholeTensors(
  others: ReadonlyMap<string, TensorPlace>,
  modules: ReadonlyMap<string, LoraModule>,
  config: LoraConfig,
  say: (problem: string) => void,
) {
  const saved = new Map<string, TensorPlace>();
  const under = new Map<string, TensorPlace>();
  const strange: string[] = [];
  const hasFactors = (module: string) => modules.has(`${module}.weight`);
  for (const [tensor, place] of others) {
    const [, wrapped, parameter] = UNDER.exec(tensor) ?? [];
    const module = tensor.replace(/\.[^.]*$/, "");
    if (wrapped !== undefined && hasFactors(wrapped)) under.set(`${wrapped}.${parameter}`, place);
    else if (/(^|\.)(lora_|modules_to_save|original_module|token_adapter|base_layer)/.test(tensor) || hasFactors(module))
      strange.push(tensor);
    else if (isWithin(module, config) || EMBEDDING.test(module)) saved.set(tensor, place);
    else strange.push(tensor);
  }
  if (strange.length > 0)
    say(`${several(strange)} ${strange.length > 1 ? "are none" : "is not one"} of a plain LoRA adapter, nor of modules_to_save`);
  return { saved, under };
}

/** Whether a module, or one that it is in, is trained whole. */
function isWithin(module: string, config: LoraConfig): boolean {
  const parts = module.split(".");
  return parts.some((_, i) => config.isSaved(parts.slice(0, i + 1).join(".")));
}

/**
 * What keeps factors from being merged each for itself: the result has one configuration, so that each module has to have one scaling in
 * all adapters. @throws AdapterError for adapters that cannot be read
 */
export function factorProblems(adapters: readonly ModelFiles[]): string[] {
  const loras = adapters.map(readLora);
  const targets = new Set(loras.flatMap(({ modules }) => [...modules.keys()]));
  return [...targets].flatMap((target) => {
    const says = (lora: Lora) => lora.modules.get(target)?.scaling;
    const scalings = new Set(loras.map(says).filter((scaling) => scaling !== undefined));
    if (scalings.size < 2) return [];
    const each = loras.map((lora) => `${says(lora) ?? "none"} in ${lora.model.name}`).join(", ");
    return [`${target} has different scalings (lora_alpha / r): ${each}`];
  });
}

/** The shape that the weight of a module has in the base, as far as the adapter tells: how many numbers, row by row. */
export function productShape({ a, b, transposed }: LoraModule): readonly [number, number] {
  return transposed ? [a.columns, b.rows] : [b.rows, a.columns];
}

/** A tensor as a matrix: convolutions have their kernels in the columns. */
function matrix(place: TensorPlace): Factor {
  const [rows = 0, ...others] = place.shape;
  return { place, rows, columns: others.reduce((product, dimension) => product * dimension, 1) };
}
