import type { Steps } from "#libs/concurrency";
import type { Layer, Layout } from "./layout.ts";
import { type Matrix, transpose, type Workspace } from "./matrix.ts";

/** A network in the memory of a backend. Activations are columns: layer l maps [inputs, examples] to [outputs, examples]. */
export type Network = {
  readonly layout: Layout;
  /** The vector of all parameters; the layers are parts of it. */
  readonly parameters: Matrix;
  readonly weights: readonly Matrix[];
};

/** Puts a network into a workspace. */
export function createNetwork(workspace: Workspace, layout: Layout, parameters: Float32Array): Network {
  const vector = workspace.matrix(1, layout.size);
  vector.values.set(parameters);
  const weights = layout.layers.map(({ weightOffset, outputs, inputs }) => workspace.part(vector, weightOffset, outputs, inputs));
  return { layout, parameters: vector, weights };
}

/** Runs a network on a fixed number of examples. Returns the activations of all layers; the next call overwrites them. */
export type Forward = (input: Matrix) => readonly Matrix[];

/** @param dropout called with the activations that the head gets, on training runs. */
export function createForward(
  workspace: Workspace,
  { layout, parameters, weights }: Network,
  examples: number,
  dropout?: (activations: Matrix) => void,
): Forward {
  const outputs = layout.layers.map((layer) => workspace.matrix(layer.outputs, examples));
  return (input) => {
    let current = input;
    layout.layers.forEach((layer, l) => {
      const output = outputs[l]!;
      if (layer.name === "head") dropout?.(current);
      workspace.multiply(weights[l]!, current, output);
      addBias(output.values, parameters.values, layer, examples);
      current = output;
    });
    return outputs;
  };
}

function addBias(values: Float32Array, parameters: Float32Array, { name, outputs, biasOffset }: Layer, examples: number): void {
  const rectified = name !== "head";
  for (let unit = 0, i = 0; unit < outputs; unit += 1) {
    const bias = parameters[biasOffset + unit]!;
    const end = i + examples;
    if (rectified) {
      for (; i < end; i += 1) {
        const sum = values[i]! + bias;
        // max(sum, 0), exactly, without a branch that the processor would mispredict. Not a number stays one and reaches the loss.
        values[i] = (sum + Math.abs(sum)) * 0.5;
      }
    } else {
      for (; i < end; i += 1) values[i] = values[i]! + bias;
    }
  }
}

/** Examples that go through a network at once where there are many. */
const CHUNK_EXAMPLES = 512;

/** The last layer's activations for rows of inputs: [count, inputs] to [count, outputs]. A chunk of rows is a step. */
export function* runRows(workspace: Workspace, network: Network, rows: Float32Array): Steps<Float32Array> {
  const { inputs, layers } = network.layout;
  const width = layers.at(-1)?.outputs ?? inputs;
  const count = rows.length / inputs;
  if (!Number.isInteger(count)) throw new RangeError(`${rows.length} numbers are no whole number of examples with ${inputs} features`);
  const result = new Float32Array(count * width);
  const runners = new Map<number, (chunk: Float32Array) => Float32Array>();
  for (let start = 0; start < count; start += CHUNK_EXAMPLES) {
    const size = Math.min(CHUNK_EXAMPLES, count - start);
    const run = runners.get(size) ?? createRunner(workspace, network, size);
    runners.set(size, run);
    result.set(run(rows.subarray(start * inputs, (start + size) * inputs)), start * width);
    yield;
  }
  return result;
}

function createRunner(workspace: Workspace, network: Network, size: number): (chunk: Float32Array) => Float32Array {
  const { inputs } = network.layout;
  const rows = workspace.matrix(size, inputs);
  const columns = workspace.matrix(inputs, size);
  const forward = createForward(workspace, network, size);
  const last = network.layout.layers.at(-1);
  const result = workspace.matrix(size, last?.outputs ?? inputs);
  return (chunk) => {
    rows.values.set(chunk);
    transpose(rows, columns);
    transpose(forward(columns).at(-1) ?? columns, result);
    return result.values;
  };
}
