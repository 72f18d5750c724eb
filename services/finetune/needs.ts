import { FEATURES } from "#libs/datasets";
import { backendOf, type GlyphsParameters, type Recipe, type TrainingParameters } from "#libs/recipes";
import { type Needs, workTopic } from "#libs/topics";

/** Bytes of a number in a tensor. */
const FLOAT = 4;
/** A trainer before its first job: the runtime, the kernels, and the cache of inputs (256 MiB unless set otherwise). */
const BASE_MIB = 512;
/**
 * Copies of the trained parameters at the largest: the input's weights, parameters, gradient and two moments of Adam, the best so far, a
 * checkpoint of four of those, and its encoding.
 */
const PARAMETER_COPIES = 14;
/** Of each layer's activations: the values, their gradient, the dropout mask, and what a product needs beside. */
const ACTIVATION_COPIES = 4;
/** Of a drawn data set: the images, and their encoding. */
const IMAGE_COPIES = 2;
/** Of the input data sets, whose rows a recipe does not say. */
const DATASETS_MIB = 128;

/** What a recipe needs, and which of its fields asks for most of that. */
export type Estimate = { readonly needs: Needs; readonly field: string };

/**
 * What running a recipe needs, from the recipe alone. Of a training: P = sum of (inputs + 1) x outputs over the layers, 14 P numbers for the
 * parameters, and for each example of a batch four times the sum of all widths. Of drawn symbols: twice their pixels. Four bytes a number,
 * and what a trainer takes anyway. It is an estimate from above by a factor of about two: it decides where a job goes, not how it is run.
 */
export function estimateNeeds(recipe: Recipe): Estimate {
  const [memory, field] = recipe.kind === "dataset" ? datasetMemory(recipe) : trainingMemory(recipe);
  const backend = backendOf(recipe.arithmetic) ?? "cpu";
  return { needs: { device: "cpu", backend, memoryMib: BASE_MIB + Math.ceil(memory / 2 ** 20) }, field: `recipe.parameters.${field}` };
}

function datasetMemory({ parameters }: Recipe): [bytes: number, field: string] {
  const { images = 0 } = parameters as Partial<GlyphsParameters>;
  return [images * FEATURES * FLOAT * IMAGE_COPIES, "images"];
}

function trainingMemory({ parameters, inputs }: Recipe): [bytes: number, field: string] {
  const { hidden, classes, batch } = parameters as TrainingParameters;
  const widths = [FEATURES, ...hidden, classes];
  const weights = hidden.concat(classes).reduce((sum, width, i) => sum + (widths[i]! + 1) * width, 0);
  const rows = batch * [inputs["datasets"] ?? []].flat().length;
  const activations = rows * widths.reduce((sum, width) => sum + width, 0);
  const [forWeights, forRows] = [weights * PARAMETER_COPIES * FLOAT, activations * ACTIVATION_COPIES * FLOAT];
  return [forWeights + forRows + DATASETS_MIB * 2 ** 20, forWeights >= forRows ? "hidden" : "batch"];
}

/** Why no trainer can have what a job needs, or undefined. */
export function unfit(needs: Needs): string | undefined {
  try {
    workTopic(needs);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
