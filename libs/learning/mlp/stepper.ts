import { adam } from "./adam.ts";
import { drop, type Examples, fillBatch } from "./batches.ts";
import type { Layout } from "./layout.ts";
import { type Matrix, transpose, type Workspace } from "./matrix.ts";
import { createForward, createNetwork, type Network } from "./network.ts";
import { crossEntropy } from "./softmax.ts";

/** What changes from step to step, as vectors over all parameters. */
export type State = {
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
};

/** Bare steps of one training: no validation, no bookkeeping, no waiting. */
export type Stepper = {
  readonly network: Network;
  /** Views of the state; they hold until the next step. */
  state(): State;
  /** The gradient of the last step. */
  gradient(): Float32Array;
  /** Runs step number `step`, counted from 1, and returns the mean loss of its batch before the update. */
  step(step: number): number;
};

/**
 * Prepares training in a workspace.
 * Everything is held as columns, [units, examples], so that weights are used in PyTorch's layout [outputs, inputs]. Forward, with Z = W·A + b:
 * A' = max(Z, 0). Backward, from dZ of a layer: dW = dZ · Aᵀ, db = sums of dZ's rows, dA = Wᵀ · dZ. All transposes are made explicitly:
 * tfjs multiplies plain matrices four times as fast as transposed ones.
 */
export function createStepper(
  workspace: Workspace,
  layout: Layout,
  state: State,
  options: { datasets: readonly Examples[]; batch: number; dropout: number; learningRate: number; weightDecay: number; seed: number },
): Stepper {
  const { datasets, batch, dropout, learningRate, weightDecay, seed } = options;
  const { layers, inputs, classes } = layout;
  const examples = batch * datasets.length;
  const labels = new Int32Array(examples);
  const network = createNetwork(workspace, layout, state.parameters);
  const gradient = workspace.matrix(1, layout.size);
  const moments = [state.firstMoment, state.secondMoment].map((values) => {
    const matrix = workspace.matrix(1, layout.size);
    matrix.values.set(values);
    return matrix;
  });
  const batchRows = workspace.matrix(examples, inputs);
  const batchColumns = workspace.matrix(inputs, examples);
  let current = 0;
  const dropped = (activations: Matrix) => drop(activations.values, activations.rows, { seed, step: current, rate: dropout });
  const forward = createForward(workspace, network, examples, dropout > 0 ? dropped : undefined);

  const backward = layers.map(({ weightOffset, inputs: fanIn, outputs }, l) => ({
    gradient: workspace.part(gradient, weightOffset, outputs, fanIn),
    // Of the layer's input: [examples, inputs], and of its weights. The first layer's input is at hand as rows and gets no gradient.
    inputRows: l === 0 ? batchRows : workspace.matrix(examples, fanIn),
    inner: l === 0 ? undefined : { transposed: workspace.matrix(fanIn, outputs), inputGradient: workspace.matrix(fanIn, examples) },
  }));

  function back(activations: readonly Matrix[]): void {
    let outputGradient = activations[layers.length - 1]!;
    for (let l = layers.length - 1; l >= 0; l -= 1) {
      const layer = backward[l]!;
      const input = l === 0 ? batchColumns : activations[l - 1]!;
      if (l > 0 || (dropout > 0 && layers.length === 1)) transpose(input, layer.inputRows);
      workspace.multiply(outputGradient, layer.inputRows, layer.gradient);
      sumRows(outputGradient, gradient.values, layers[l]!.biasOffset);
      if (!layer.inner) continue;
      const { transposed, inputGradient } = layer.inner;
      transpose(network.weights[l]!, transposed);
      workspace.multiply(transposed, outputGradient, inputGradient);
      const scale = l === layers.length - 1 ? 1 / (1 - dropout) : 1;
      rectifyGradient(inputGradient.values, input.values, scale);
      outputGradient = inputGradient;
    }
  }

  const vectors = () => ({
    parameters: network.parameters.values,
    firstMoment: moments[0]!.values,
    secondMoment: moments[1]!.values,
  });
  return {
    network,
    state: vectors,
    gradient: () => gradient.values,
    step(step) {
      current = step;
      fillBatch({ seed, step, perDataset: batch }, datasets, batchRows.values, labels);
      transpose(batchRows, batchColumns);
      const activations = forward(batchColumns);
      const loss = crossEntropy(activations.at(-1)!.values, labels, classes);
      back(activations);
      adam({ ...vectors(), gradient: gradient.values }, step, learningRate, weightDecay);
      return loss;
    },
  };
}

function sumRows({ rows, columns, values }: Matrix, target: Float32Array, offset: number): void {
  for (let row = 0, i = 0; row < rows; row += 1) {
    let sum = 0;
    for (const end = i + columns; i < end; i += 1) sum += values[i]!;
    target[offset + row] = sum;
  }
}

/**
 * The gradient of rectified units, kept or dropped: it passes where the output is positive, else it is 0.
 * On bits, because a branch would be mispredicted half of the time: an output is positive or +0, whose bits are 0.
 */
function rectifyGradient(gradient: Float32Array, output: Float32Array, scale: number): void {
  const bits = new Int32Array(gradient.buffer, gradient.byteOffset, gradient.length);
  const outputBits = new Int32Array(output.buffer, output.byteOffset, output.length);
  for (let i = 0; i < bits.length; i += 1) {
    const positive = outputBits[i]!;
    bits[i] = bits[i]! & ((positive | -positive) >> 31);
  }
  if (scale !== 1) for (let i = 0; i < gradient.length; i += 1) gradient[i] = gradient[i]! * scale;
}
