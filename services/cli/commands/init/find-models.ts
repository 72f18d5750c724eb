import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ModelError, openModel } from "#libs/models";
import { recogniseNetwork } from "#libs/networks";

/** Weights that were found, of a network that is known by its tensors. */
export type FoundModel = {
  readonly path: string;
  readonly network: string;
  /** Outputs of its last linear layer, as far as the file tells. */
  readonly classes?: number;
};

const WEIGHTS = /\.(safetensors|pth|pt|bin)$/;
/** Heads of the networks that are known, by their names in files. */
const HEADS = ["fc.weight", "head.weight", "head.fc.weight", "classifier.weight"];

/** The models right in some folders, files and folders alike; only headers are read. What is no model of a known network is passed over. */
export async function findModels(folders: readonly string[]): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for (const folder of new Set(folders.map((each) => resolve(each)))) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".") || !(entry.isDirectory() || WEIGHTS.test(entry.name))) continue;
      const model = await modelAt(join(folder, entry.name));
      if (model) found.push(model);
    }
  }
  return found;
}

async function modelAt(path: string): Promise<FoundModel | undefined> {
  try {
    const { tensors } = await openModel(path);
    const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    const network = recogniseNetwork(shapes);
    if (network === undefined) return undefined;
    const classes = HEADS.map((name) => shapes.get(name)?.[0]).find((count) => count !== undefined);
    return { path, network, ...(classes === undefined ? {} : { classes }) };
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

/** Which of the models is the foundation, and which others of its network are fine-tunings of it. */
export type Starts = { readonly network: string; readonly foundation: string; readonly auxiliaries: readonly string[] };

/** Classes of ImageNet. */
const IMAGENET = 1000;

/**
 * Guesses, for a person to correct: the foundation is the model that was trained on ImageNet, by its head or its name, else the first; the
 * auxiliaries are all others of the same network. Undefined without models.
 * @example
 * ```ts
 * const models = [
 *   { path: "a/cub.pth", network: "resnet18", classes: 200 },
 *   { path: "a/resnet18.pth", network: "resnet18", classes: 1000 },
 *   { path: "a/vit.pth", network: "vit_tiny_patch16_224", classes: 10 },
 * ];
 * guessStarts(models); // { network: "resnet18", foundation: "a/resnet18.pth", auxiliaries: ["a/cub.pth"] }
 * ```
 */
export function guessStarts(models: readonly FoundModel[]): Starts | undefined {
  const general = models.find(({ classes, path }) => classes === IMAGENET || /imagenet|pretrain|foundation/i.test(path));
  const foundation = general ?? models[0];
  if (!foundation) return undefined;
  const { network, path } = foundation;
  return {
    network,
    foundation: path,
    auxiliaries: models.flatMap((model) => (model.network === network && model.path !== path ? [model.path] : [])),
  };
}
