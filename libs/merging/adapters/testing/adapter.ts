import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { uint32 } from "#libs/deterministic";
import { type ModelFiles, openModel } from "#libs/models";
import { bytesSource, narrow, openSafetensors, type TensorData, widen, writeSafetensors } from "#libs/tensors";

export const PREFIX = "base_model.model.";

/** Numbers between -1 and 1 by a seed. */
export function tensor(name: string, shape: readonly number[], seed: number, dtype: "F32" | "F16" = "F32"): TensorData {
  const elements = shape.reduce((a, b) => a * b, 1);
  return tensorOf(
    name,
    shape,
    Array.from({ length: elements }, (_, i) => uint32(seed, i) / 2 ** 31 - 1),
    dtype,
  );
}

/** A tensor of given numbers. */
export function tensorOf(name: string, shape: readonly number[], values: readonly number[], dtype: "F32" | "F16" = "F32"): TensorData {
  const data = new Uint8Array(values.length * { F32: 4, F16: 2 }[dtype]);
  narrow(dtype, Float64Array.from(values), data);
  return { name, dtype, shape: [...shape], data };
}

/** The factors of a linear layer. */
export function pair(module: string, [outputs, inputs]: readonly [number, number], rank: number, seed: number): TensorData[] {
  return [
    tensor(`${PREFIX}${module}.lora_A.weight`, [rank, inputs], seed),
    tensor(`${PREFIX}${module}.lora_B.weight`, [outputs, rank], seed + 1),
  ];
}

/** A PEFT folder. */
export async function writeAdapter(folder: string, tensors: readonly TensorData[], config: object): Promise<ModelFiles> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "adapter_model.safetensors"), writeSafetensors([...tensors]));
  const common = { peft_type: "LORA", task_type: "CAUSAL_LM", base_model_name_or_path: "org/base", bias: "none" };
  await writeFile(join(folder, "adapter_config.json"), JSON.stringify({ ...common, r: 2, lora_alpha: 2, ...config }));
  return openModel(folder, folder.split("/").at(-1));
}

/** A model's folder. */
export async function writeBase(folder: string, tensors: readonly TensorData[], config: object = {}): Promise<ModelFiles> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "model.safetensors"), writeSafetensors([...tensors]));
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return openModel(folder, folder.split("/").at(-1));
}

export type Numbers = { readonly shape: readonly number[]; readonly values: Float64Array };

/** All tensors of a file, as f64. */
export async function numbersIn(path: string): Promise<Map<string, Numbers>> {
  const file = await openSafetensors(bytesSource(await readFile(path)));
  const tensors = new Map<string, Numbers>();
  for (const [name, { dtype, shape }] of file.header.tensors) {
    const values = new Float64Array(shape.reduce((a, b) => a * b, 1));
    widen(dtype, await file.read(name), values);
    tensors.set(name, { shape, values });
  }
  return tensors;
}

/** left [rows, inner] · right [inner, columns] · scale, by the definition. */
export function product(left: Numbers, right: Numbers, scale: number): Float64Array {
  const [rows = 0, inner = 0] = left.shape;
  const columns = right.values.length / inner;
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += left.values[row * inner + k]! * right.values[k * columns + column]!;
    return scale * sum;
  });
}

type PeftConfig = { readonly [field: string]: never } & {
  readonly r: number;
  readonly lora_alpha: number;
  readonly use_rslora?: boolean;
  readonly target_modules: string | string[];
  readonly exclude_modules?: string | string[] | null;
  readonly layers_to_transform?: number | number[] | null;
  readonly layers_pattern?: string | string[] | null;
  readonly modules_to_save?: string[] | null;
  readonly rank_pattern?: { readonly [key: string]: number };
  readonly alpha_pattern?: { readonly [key: string]: number };
};

/**
 * What PeftModel.from_pretrained makes of a folder for a model with these linear layers, transcribed from PEFT 0.21 with JavaScript's own
 * expressions (check_target_module_exists, get_pattern_key, LoraLayer.update_layer): products by module, and tensors that it passes over.
 */
export async function loadAsPeft(folder: string, modules: readonly string[]) {
  const config = JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8")) as PeftConfig;
  const tensors = await numbersIn(join(folder, "adapter_model.safetensors"));
  const products = new Map<string, Float64Array>();
  const used = new Set<string>();
  for (const module of modules) {
    if (!isTargeted(config, module)) continue;
    const rank = byPattern(config.rank_pattern, module) ?? config.r;
    const alpha = byPattern(config.alpha_pattern, module) ?? config.lora_alpha;
    const [a, b] = ["A", "B"].map((half) => `${PREFIX}${module}.lora_${half}.weight`) as [string, string];
    if (!tensors.has(a)) continue;
    if (tensors.get(a)!.shape[0] !== rank) throw new Error(`size mismatch for ${module}: ${tensors.get(a)!.shape[0]} and ${rank}`);
    used.add(a).add(b);
    products.set(module, product(tensors.get(b)!, tensors.get(a)!, alpha / (config.use_rslora ? Math.sqrt(rank) : rank)));
  }
  return { config, products, passedOver: [...tensors.keys()].filter((name) => !used.has(name)) };
}

function isTargeted(config: PeftConfig, module: string): boolean {
  const names = (given: string | readonly string[]) =>
    typeof given === "string"
      ? new RegExp(`^(?:${given})$`).test(module)
      : given.some((name) => module === name || module.endsWith(`.${name}`));
  if (config.exclude_modules && names(config.exclude_modules)) return false;
  if (config.modules_to_save?.some((name) => new RegExp(`(^|^.*\\.)${name}($|\\..*)`).test(module))) return false;
  if (!names(config.target_modules)) return false;
  const layers = [config.layers_to_transform ?? []].flat();
  if (layers.length === 0) return true;
  const patterns = [config.layers_pattern ?? []].flat();
  const expressions =
    patterns.length === 0 ? [/^.*?\.[^.]*\.(\d+)\./] : patterns.map((one) => new RegExp(`^(?:|.*?\\.)${one}\\.(\\d+)\\.`));
  const found = expressions.map((expression) => expression.exec(module)?.[1]).find((index) => index !== undefined);
  return found !== undefined && layers.includes(Number(found));
}

function byPattern(pattern: { readonly [key: string]: number } | undefined, module: string): number | undefined {
  const key = Object.keys(pattern ?? {}).find((one) => new RegExp(`^(.*\\.)?(${one})$`).test(module));
  return pattern?.[key ?? module];
}
