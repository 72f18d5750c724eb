import { FEATURES } from "#libs/datasets";
import type { TrainingParameters } from "#libs/recipes";
import type { NeedsOfKind } from "./kind-needs.ts";

/** Bytes of a number in a tensor. */
const FLOAT = 4;
/**
 * Copies of the trained parameters at the largest: the input's weights, parameters, gradient and two moments of Adam, the best so far, a
 * checkpoint of four of those, and its encoding.
 */
const PARAMETER_COPIES = 14;
/** Of each layer's activations: the values, their gradient, the dropout mask, and what a product needs beside. */
const ACTIVATION_COPIES = 4;
/** Of the input data sets, whose rows a recipe does not say. */
const DATASETS_BYTES = 128 * 2 ** 20;

/**
 * Of a training of the digits benchmark: P = sum of (inputs + 1) x outputs over the layers, 14 P numbers for the parameters, and for each
 * example of a batch four times the sum of all widths. An estimate from above by a factor of about two.
 */
export const perceptronNeeds: NeedsOfKind = ({ parameters, inputs }) => {
  const { hidden, classes, batch } = parameters as TrainingParameters;
  const widths = [FEATURES, ...hidden, classes];
  const weights = hidden.concat(classes).reduce((sum, width, i) => sum + (widths[i]! + 1) * width, 0);
  const rows = batch * [inputs["datasets"] ?? []].flat().length;
  const activations = rows * widths.reduce((sum, width) => sum + width, 0);
  const [forWeights, forRows] = [weights * PARAMETER_COPIES * FLOAT, activations * ACTIVATION_COPIES * FLOAT];
  return { bytes: forWeights + forRows + DATASETS_BYTES, field: forWeights >= forRows ? "hidden" : "batch" };
};
