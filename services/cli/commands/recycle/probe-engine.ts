import { type EngineName, engineNamed } from "#libs/engines";
import { type Engine, EngineMissingError, OutOfMemoryError, openEngine, trainNetwork } from "#libs/learning";
import { costOf, initialise, type Network } from "#libs/networks";
import type { TrainParameters } from "#libs/recipes";
import { findTensorflow } from "#libs/tensorflow";

/** How fast an engine of this machine is with a network. */
export type EngineProbe = {
  readonly engine: EngineName;
  readonly steps: number;
  readonly pictures: number;
  readonly secondsPerStep: number;
  /** As `work` of plans counts: forward, and twice that backward. */
  readonly multiplyAddsPerSecond: number;
};

/** Enough for a mean; large networks on slow engines get fewer. */
const STEPS = 10;
const MOST_SECONDS = 10;
/** More pictures take as long each. */
const MOST_PICTURES = 16;
const PASSES = 3;

/**
 * Trains a network on noise for ten steps, for ten seconds at most, with the engine of a run.
 * @param backend "auto": TensorFlow where it is installed, else WebAssembly.
 * @param pictures of a step of the run.
 * @returns nothing where the engine is not here, or has no room for the network.
 */
export async function probeEngine(
  backend: string,
  network: Network,
  pictures: number,
  signal: AbortSignal,
): Promise<EngineProbe | undefined> {
  const name = backend === "auto" ? ((await findTensorflow("tensorflow")) ? "tfjs-node" : "wasm") : backend;
  const engine = engineNamed(name);
  if (!engine) return undefined;
  try {
    return await probe(await openEngine(engine.name), network, pictures, signal);
  } catch (error) {
    if (error instanceof EngineMissingError || error instanceof OutOfMemoryError) return undefined;
    throw error;
  }
}

async function probe(engine: Engine, network: Network, pictures: number, signal: AbortSignal): Promise<EngineProbe> {
  const rows = Math.min(pictures, MOST_PICTURES);
  const training = trainNetwork({
    engine,
    network,
    parameters: parametersOf(network, rows),
    seed: 0,
    weights: initialise(network, 0),
    batches: () => ({ batch: async () => noise(network, rows), [Symbol.asyncDispose]: async () => {} }),
    validation: [],
    signal,
  });
  try {
    // The first step also makes what all others use again.
    await training.next();
    const began = performance.now();
    let [steps, seconds] = [0, 0];
    while (steps < STEPS && seconds < MOST_SECONDS && !(await training.next()).done) {
      steps += 1;
      seconds = (performance.now() - began) / 1000;
    }
    const secondsPerStep = seconds / steps;
    const multiplyAddsPerSecond = (PASSES * rows * costOf(network).multiplyAdds) / secondsPerStep;
    return { engine: engine.name, steps, pictures: rows, secondsPerStep, multiplyAddsPerSecond };
  } finally {
    await training.return(undefined as never);
  }
}

function parametersOf({ name, classes }: Network, rows: number): TrainParameters {
  return {
    network: { name },
    classes,
    domains: ["noise"],
    optimiser: { name: "adam", learningRate: 1e-5 },
    steps: STEPS + 1,
    batch: rows,
    transform: { training: "none/1", validation: "none/1" },
  };
}

function noise({ input: { channels, height, width }, classes }: Network, rows: number) {
  const pixels = Uint8Array.from({ length: rows * height * width * channels }, (_, i) => (i * 2_654_435_761) >>> 24);
  return { pixels, labels: Int32Array.from({ length: rows }, (_, row) => row % classes), rows };
}
