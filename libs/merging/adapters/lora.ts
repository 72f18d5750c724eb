import type { ModelFiles, TensorPlace } from "#libs/models";
import { isAveraged } from "../compatibility/structure.ts";
import { AdapterError } from "./errors.ts";
import { readLoraConfig } from "./lora-config.ts";

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
  /** The weight is stored as the transpose of B · A: embeddings, and matrices of GPT-2. */
  readonly transposed: boolean;
  /** As the adapter names them. */
  readonly names: { readonly a: string; readonly b: string };
};

/** A LoRA adapter: products, and whole tensors that were trained besides (modules_to_save). */
export type Lora = {
  readonly model: ModelFiles;
  /** By target. */
  readonly modules: ReadonlyMap<string, LoraModule>;
  readonly saved: ReadonlyMap<string, TensorPlace>;
};

const PREFIX = "base_model.model.";
const PART = /^(.+?)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?$/;

/**
 * Reads what a PEFT folder is made of. Nothing of the weights.
 * @throws AdapterError with everything that is not plain LoRA: other kinds of adapters, tensors without their other half, wrong ranks.
 */
export function readLora(model: ModelFiles): Lora {
  const { name, config: json, tensors } = model;
  if (model.kind !== "adapter" || json === undefined)
    throw new AdapterError([`${name} is no adapter: a folder with adapter_config.json is one`]);
  const { config, problems: wrong } = readLoraConfig(json, name);
  if (wrong.length > 0) throw new AdapterError(wrong);
  const problems: string[] = [];
  const parts = new Map<string, { a?: [string, TensorPlace]; b?: [string, TensorPlace]; embedding: boolean }>();
  const saved = new Map<string, TensorPlace>();
  for (const [tensor, place] of tensors) {
    if (!isAveraged(place.dtype)) problems.push(`${name}: tensor ${JSON.stringify(tensor)} is ${place.dtype}, which has no sums`);
    const inner = tensor.startsWith(PREFIX) ? tensor.slice(PREFIX.length) : undefined;
    const [, module, embedding, letter] = PART.exec(inner ?? "") ?? [];
    if (module !== undefined) {
      const part = parts.get(module) ?? { embedding: embedding !== undefined };
      part[letter === "A" ? "a" : "b"] = [tensor, place];
      parts.set(module, part);
    } else if (inner !== undefined && !/(^|\.)lora_|modules_to_save|original_module/.test(inner)) saved.set(inner, place);
    else problems.push(`${name}: tensor ${JSON.stringify(tensor)} is not one of a plain LoRA adapter`);
  }
  const modules = new Map<string, LoraModule>();
  for (const [module, { a, b, embedding }] of parts) {
    if (a === undefined || b === undefined) {
      problems.push(`${name}: ${module} has ${a ? "lora_A" : "lora_B"} without ${a ? "lora_B" : "lora_A"}`);
      continue;
    }
    const [first, second] = [matrix(a[1]), matrix(b[1])];
    const rank = first.rows;
    const shapes = `lora_A [${a[1].shape.join(", ")}] and lora_B [${b[1].shape.join(", ")}]`;
    if (a[1].shape.length < 2 || second.columns !== rank || rank === 0)
      problems.push(`${name}: ${module} has ${shapes}, which do not fit together`);
    else if (config.rankOf(module) !== rank) {
      problems.push(`${name}: ${module} has the rank ${rank}, and adapter_config.json says ${config.rankOf(module)}`);
    }
    const target = `${module}.weight`;
    const scaling = config.scalingOf(module, rank);
    const transposed = embedding || (config.fanInFanOut && a[1].shape.length === 2);
    modules.set(target, { target, a: first, b: second, rank, scaling, transposed, names: { a: a[0], b: b[0] } });
  }
  if (problems.length > 0) throw new AdapterError(problems);
  return { model, modules, saved };
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
