import { decodeIndex, type ImageIndex } from "#libs/image-sets";
import { decodeSplit, type Split } from "#libs/splits";
import { loadWeights } from "#libs/tensors";
import type { InputArtifact, JobInput } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Linear, WIDTH } from "./linear.ts";

/** What cannot work, however often it is tried. */
export class Hopeless extends Error {
  override readonly name = "Hopeless";
}

/** What the recipes of this trainer say. */
export type Recipe = {
  readonly kind: string;
  readonly seed?: number;
  readonly parameters: {
    readonly network: { readonly name: string };
    readonly classes: number;
    readonly domains: readonly string[];
    readonly steps?: number;
    readonly part?: "all" | "training" | "validation";
    readonly weights?: readonly number[];
  };
};

/** The files of a data set, and which are for what. */
export type Examples = { readonly index: ImageIndex; readonly split: Split; file(row: number): Uint8Array };

type Download = (digest: string) => Promise<Uint8Array>;

const DATASET = "application/vnd.cncf.model.dataset.v1.raw";
const SPLIT = "application/vnd.ratatouille.split.v1.safetensors";
const WEIGHTS = "application/vnd.cncf.model.weight.v1.raw";
/** The name of the one tensor of its models. */
export const TENSOR = "linear.weight";

/** The artifacts of a role. */
export function inputsOf(inputs: readonly JobInput[], role: string): readonly InputArtifact[] {
  return inputs.find((input) => input.role === role)?.artifacts ?? [];
}

/** Reads the data set of a recipe and its split, and checks that the recipe is of them. @throws Hopeless */
export async function readExamples(inputs: readonly JobInput[], { parameters }: Recipe, download: Download): Promise<Examples> {
  const index = decodeIndex(await read(inputsOf(inputs, "dataset"), DATASET, download));
  const split = await decodeSplit(await read(inputsOf(inputs, "split"), SPLIT, download));
  if (parameters.network.name !== "linear") throw new Hopeless(`there is no network ${parameters.network.name} here, only linear`);
  if (parameters.classes !== index.classes.length)
    throw new Hopeless(`the recipe has ${parameters.classes} classes, and the data set ${index.classes.length}`);
  const stranger = parameters.domains.find((name) => !index.domains.includes(name));
  if (stranger !== undefined) throw new Hopeless(`the data set has no domain ${stranger}; it has ${index.domains.join(", ")}`);
  const shards = await Promise.all(index.shards.map(({ digest }) => download(digest)));
  const file = (row: number) => {
    const [begin, bytes] = [index.offset[row]!, index.bytes[row]!];
    return shards[index.shard[row]!]!.subarray(begin, begin + bytes);
  };
  return { index, split, file };
}

/** Reads a model. @throws Hopeless for one of another network */
export async function readModel(artifact: InputArtifact, classes: number, download: Download): Promise<Linear> {
  const tensor = loadWeights(await read([artifact], WEIGHTS, download)).get(TENSOR);
  if (tensor?.dtype !== "F32" || tensor.shape[0] !== classes || tensor.shape[1] !== WIDTH)
    throw new Hopeless(`the model ${artifact.digest} has no tensor ${TENSOR} F32 [${classes}, ${WIDTH}]`);
  return { classes, weights: tensor.data };
}

async function read([artifact]: readonly InputArtifact[], mediaType: string, download: Download): Promise<Uint8Array> {
  const layer = artifact?.layers.find((one) => one.mediaType === mediaType);
  if (!layer) throw new Hopeless(`an input has no layer of the type ${mediaType}`);
  return download(layer.digest);
}
