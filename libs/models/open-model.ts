import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeModel } from "./describe.ts";
import { ModelError } from "./errors.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, noWeights, weightsOf } from "./find-weights.ts";
import { modulesOf } from "./modules.ts";
import { problem } from "./problem.ts";
import { readJsonFile } from "./read-json.ts";
import { checkIndex, isIndex, readIndex } from "./shards.ts";
import { formatByName, isTorchName, withoutPart } from "./strange-format.ts";
import type { ModelFiles, TensorPlace, WeightsFile } from "./types.ts";
import { readWeightsFile } from "./weights-file.ts";

/**
 * Opens a model: a file of safetensors or PyTorch (.pth, .pt, .bin; nothing of it is run), the index of a sharded one, a Hugging Face folder
 * (model.safetensors, else pytorch_model.bin, or shards with their index; also one of the hub's cache, whose files are links), or a PEFT adapter
 * folder. Of a file of PyTorch with several state dicts `FILE#NAME` is one. Reads headers and small JSON files, nothing of the weights.
 * @param name how the user named it; messages begin with it.
 * @throws ModelError with one sentence
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("soup.safetensors"), saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]])));
 * await writeFile(directory.join("soup.recipe.json"), '{"licences":["MIT"]}');
 * const { kind, tensors, licences } = await openModel(directory.join("soup.safetensors"));
 * [kind, tensors.get("w")?.shape, licences]; // ["file", [2], ["MIT"]]
 * ```
 */
export async function openModel(path: string, name = path): Promise<ModelFiles> {
  const [file, part] = await splitPart(path);
  if (part !== undefined) return finish("file", file, name, { files: [await readWeightsFile(file, name, { part })] });
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    (cause: unknown) => {
      throw new ModelError("missing", `cannot read ${name}: ${problem(cause)}`, { cause });
    },
  );
  if (isDirectory) return openFolder(path, name);
  if (isIndex(path)) return finish("folder", dirname(path), name, await openShards(dirname(path), basename(path), name));
  // The weights of an adapter mean nothing without its configuration.
  if (ADAPTER_WEIGHTS.includes(basename(path)) && (await exists(join(dirname(path), ADAPTER_CONFIG))))
    return openFolder(dirname(path), name);
  return finish("file", path, name, { files: [await readWeightsFile(path, name)] });
}

/** A file and what of it is meant, `best.pth#state_dict_ema`; a file that is there with all of that name is itself. */
async function splitPart(path: string): Promise<[file: string, part?: string]> {
  const file = withoutPart(path);
  return file === path || (await exists(path)) ? [path] : [file, path.slice(file.length + 1)];
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function openFolder(path: string, name: string): Promise<ModelFiles> {
  const entries = await readdir(path).catch((cause: unknown) => {
    throw new ModelError("missing", `cannot read ${name}: ${problem(cause)}`, { cause });
  });
  if (entries.includes("model_index.json"))
    throw new ModelError(
      "invalid",
      `${name}: it is a whole pipeline (model_index.json), and those are not averaged as one: average its components one by one, for example ${join(name, "unet")}`,
    );
  const found = weightsOf(entries.sort());
  if (found === undefined) throw new ModelError("invalid", `${name}: ${noWeights(entries)}`);
  if (typeof found !== "string") {
    throw new ModelError("invalid", `${name}: the folder has several models (${found.join(", ")}); name one of these files`);
  }
  const kind = ADAPTER_WEIGHTS.includes(found) ? "adapter" : "folder";
  if (kind === "adapter" && !entries.includes(ADAPTER_CONFIG))
    throw new ModelError("invalid", `${name}: there is ${found}, but no ${ADAPTER_CONFIG}, without which it has no meaning`);
  const modules = entries.includes("modules.json") ? await openModules(path, name) : [];
  if (isIndex(found)) return finish(kind, path, name, await openShards(path, found, name), modules);
  const files = [await readWeightsFile(join(path, found), join(name, found))];
  const index = `${found}.index.json`;
  const notes = entries.includes(index) ? [`${name}: ${found} is taken, as loaders do, and the shards of ${index} beside it are not.`] : [];
  return finish(kind, path, name, { files, notes }, modules);
}

/** The files of a model, and what of them does not count. */
type Weights = {
  readonly files: readonly WeightsFile[];
  readonly notes?: readonly string[];
  /** "file tensor" */
  readonly left?: ReadonlySet<string>;
};

async function openShards(folder: string, index: string, name: string): Promise<Weights> {
  const label = join(name, index);
  const places = await readIndex(join(folder, index), isIndex(name) ? name : label);
  const shards = [...new Set(places.values())].sort();
  const files: WeightsFile[] = [];
  for (const shard of shards) {
    const file = await readWeightsFile(join(folder, shard), join(name, shard), { unwrap: false }).catch((error: unknown) => {
      if (!(error instanceof ModelError && error.kind === "missing")) throw error;
      const count = [...places.values()].filter((place) => place === shard).length;
      throw new ModelError(
        "invalid",
        `${name}: the shard ${shard} cannot be read, in which ${index} has ${count} tensors: ${error.message.split(": ").at(-1)}`,
        { cause: error },
      );
    });
    files.push(file);
  }
  const left = checkIndex(name, index, places, shards, files);
  if (left.length === 0) return { files };
  const example = JSON.stringify(left[0]!.tensor);
  const whose = left.length === 1 ? `the tensor ${example}` : `${left.length} tensors such as ${example}`;
  return {
    files,
    left: new Set(left.map(({ file, tensor }) => `${file} ${tensor}`)),
    notes: [`${name}: ${whose} ${left.length === 1 ? "is" : "are"} passed over: stored in a shard, and not said to be there by ${index}.`],
  };
}

/** A folder below that is a part of the model, and its weights. */
type Module = { readonly folder: string; readonly file: WeightsFile };

/** The parts of a model that have weights of their own. @throws ModelError for weights that cannot be read */
async function openModules(path: string, name: string): Promise<Module[]> {
  const modules: Module[] = [];
  for (const folder of await modulesOf(path, name)) {
    const entries = await readdir(join(path, folder)).catch((cause: unknown) => {
      throw new ModelError("invalid", `${name}: modules.json names ${folder}/, which cannot be read: ${problem(cause)}`, { cause });
    });
    const safetensors = entries.filter((entry) => entry.endsWith(".safetensors"));
    const weights = safetensors.length > 0 ? safetensors : entries.filter(isTorchName);
    const strange = entries.find((entry) => formatByName(entry) !== undefined);
    if (weights.length === 0 && strange !== undefined)
      throw new ModelError("invalid", `${join(name, folder, strange)}: it is ${formatByName(strange)}`);
    const [file = ""] = weights;
    if (weights.length > 1 || !["", "model.safetensors", "pytorch_model.bin"].includes(file))
      throw new ModelError("invalid", `${join(name, folder)}: weights of a module are model.safetensors alone, not ${weights.join(", ")}`);
    if (file !== "") modules.push({ folder, file: await readWeightsFile(join(path, folder, file), join(name, folder, file)) });
  }
  return modules;
}

async function finish(
  kind: ModelFiles["kind"],
  path: string,
  name: string,
  { files: own, notes: passed = [], left = new Set() }: Weights,
  modules: readonly Module[] = [],
): Promise<ModelFiles> {
  const files = [...own, ...modules.map(({ file }) => file)];
  const tensors = new Map<string, TensorPlace>();
  for (const [i, { header }] of files.entries()) {
    const prefix = i < own.length ? "" : `${modules[i - own.length]!.folder}/`;
    for (const [tensor, { dtype, shape, begin, end }] of header.tensors)
      if (!left.has(`${i} ${tensor}`))
        tensors.set(prefix + tensor, { file: i, dtype, shape, offset: header.dataOffset + begin, length: end - begin });
  }
  const notes = [...files.flatMap((file) => (file.notes ?? []).map((note) => `${name}: ${note}.`)), ...passed];
  const configName = kind === "adapter" ? ADAPTER_CONFIG : "config.json";
  const config = kind === "file" ? undefined : await readJsonFile(join(path, configName), join(name, configName));
  return {
    ...{ name, path, kind, files, tensors },
    ...(config === undefined ? {} : { config: config.value, configText: config.text }),
    ...(notes.length > 0 ? { notes } : {}),
    ...(modules.length > 0 ? { folders: modules.map(({ folder }) => folder) } : {}),
    ...(await describeModel(kind, path, name, config?.value)),
  };
}
