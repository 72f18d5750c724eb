import { type EngineName, ownEngines } from "#libs/engines";
import { findTensorflow, loadBinding } from "#libs/tensorflow";
import type { Engine } from "./kernels.ts";
import { tensorflowKernels } from "./tensorflow/kernels.ts";

/** An engine was asked for that is not here, or cannot work here. Nothing else takes its place: the caller asks for another one, or says so. */
export class EngineMissingError extends Error {
  override readonly name = "EngineMissingError";
}

/** An engine of the table; `setup` tells those of TensorFlow from those that come along. */
type Entry = (typeof ownEngines)[number];
type Tensorflow = Extract<Entry, { readonly setup: string }>;

let loaded: EngineName | undefined;
const opened = new Map<EngineName, Promise<Engine>>();

/**
 * Opens an engine, once in a process, which has either of TensorFlow's two builds.
 * @throws EngineMissingError saying what to do
 * @example
 * ```ts
 * const { kernels } = await openEngine("cpu");
 * const sum = kernels.add(kernels.tensor(Float32Array.of(1, 2), [2]), kernels.tensor(Float32Array.of(10), [1]));
 * kernels.numbers(sum); // Float32Array.of(11, 12)
 * ```
 */
export function openEngine(name: EngineName): Promise<Engine> {
  const known = opened.get(name);
  if (known) return known;
  const engine = open(name);
  opened.set(name, engine);
  // Once it is set up it can be opened.
  engine.catch(() => opened.delete(name));
  return engine;
}

async function open(name: EngineName): Promise<Engine> {
  const engine: Entry = ownEngines.find((entry) => entry.name === name)!;
  if ("setup" in engine) return openTensorflow(engine);
  const { openBundled } = await import("./open-bundled.ts");
  return openBundled(engine.name);
}

async function openTensorflow({ name, device, setup }: Tensorflow): Promise<Engine> {
  const installed = await findTensorflow(setup);
  if (!installed) throw new EngineMissingError(`The engine ${name} is not installed here; ratatouille setup ${setup} does it`);
  // The two builds have libraries of the same names, of which the first that are loaded would serve both.
  loaded ??= name;
  if (loaded !== name)
    throw new EngineMissingError(`This process has loaded ${loaded}, and cannot load ${name} beside it: start another one`);
  const binding = loadBinding(installed.binding);
  const accelerated = binding.isUsingGpuDevice();
  if (device === "gpu" && !accelerated) {
    const advice = "ratatouille doctor says what TensorFlow misses; the engine tfjs-node needs none";
    throw new EngineMissingError(`The engine ${name} finds no GPU that it can use here: ${advice}`);
  }
  return { name, version: `TensorFlow ${binding.TF_Version}`, device: accelerated ? "gpu" : "cpu", kernels: tensorflowKernels(binding) };
}
