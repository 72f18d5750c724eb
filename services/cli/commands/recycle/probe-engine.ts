import { autoTakes, type EngineName, engineNamed, ownEngineNamed, ownEngines } from "#libs/engines";
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
/** More pictures take as long each, and of a large network fewer are enough. */
const MOST_PICTURES = 16;
/** Multiply-adds of a step: some seconds' work, also for engines that are for small networks. */
const MOST_WORK = { fast: 6e10, slow: 6e9 };
const PASSES = 3;

/** The engine of this machine on which its trainers would compute a network; undefined where it has none that is known. */
export async function engineHere(backend: string, network: Network): Promise<EngineName | undefined> {
  if (backend !== "auto") return ownEngineNamed(backend);
  const { multiplyAdds } = costOf(network);
  // TensorFlow for GPUs may be installed and find none: the one for processors, where it is here too, always computes.
  for (const setup of ["tensorflow", "tensorflow-gpu"] as const)
    if (await findTensorflow(setup)) return ownEngines.find((engine) => "setup" in engine && engine.setup === setup)?.name;
  return ownEngines.find((engine) => !("setup" in engine) && autoTakes(engine.name, multiplyAdds))?.name;
}

/**
 * Trains a network on noise for ten steps, for ten seconds at most.
 * @param pictures of a step of the run.
 * @returns nothing where the engine is not here, or has no room for the network.
 */
export async function probeEngine(
  engine: EngineName,
  network: Network,
  pictures: number,
  signal: AbortSignal,
): Promise<EngineProbe | undefined> {
  try {
    return await probe(await openEngine(engine), network, pictures, signal);
  } catch (error) {
    if (error instanceof EngineMissingError || error instanceof OutOfMemoryError) return undefined;
    throw error;
  }
}

async function probe(engine: Engine, network: Network, pictures: number, signal: AbortSignal): Promise<EngineProbe> {
  const { multiplyAdds } = costOf(network);
  const most = engineNamed(engine.name)?.autoUpTo === undefined ? MOST_WORK.fast : MOST_WORK.slow;
  const rows = Math.max(1, Math.min(pictures, MOST_PICTURES, Math.floor(most / (PASSES * multiplyAdds))));
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
    const multiplyAddsPerSecond = (PASSES * rows * multiplyAdds) / secondsPerStep;
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
