import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import { version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { findTensorflow, loadBinding } from "#libs/tensorflow";
import { loadCpu, loadWasm } from "../tfjs.ts";
import type { Engine, EngineName } from "./kernels.ts";
import { tensorflowKernels } from "./tensorflow/kernels.ts";
import { tfjsKernels } from "./tfjs/kernels.ts";

/** An engine was asked for that is not here, or cannot work here. Nothing else takes its place: the caller asks for another one, or says so. */
export class EngineMissingError extends Error {
  override readonly name = "EngineMissingError";
}

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
  switch (name) {
    case "cpu":
      loadCpu();
      return { name, version: `tfjs-cpu ${version_cpu}`, device: "cpu", kernels: tfjsKernels("cpu") };
    case "wasm":
      await loadWasm();
      return { name, version: `tfjs-wasm ${version_wasm}`, device: "cpu", kernels: tfjsKernels("wasm") };
    case "tfjs-node":
      return openTensorflow(name, "tensorflow");
    case "tfjs-node-gpu":
      return openTensorflow(name, "tensorflow-gpu");
  }
}

async function openTensorflow(name: "tfjs-node" | "tfjs-node-gpu", variant: "tensorflow" | "tensorflow-gpu"): Promise<Engine> {
  const installed = await findTensorflow(variant);
  if (!installed) throw new EngineMissingError(`The engine ${name} is not installed here; ratatouille setup ${variant} does it`);
  // The two builds have libraries of the same names, of which the first that are loaded would serve both.
  loaded ??= name;
  if (loaded !== name)
    throw new EngineMissingError(`This process has loaded ${loaded}, and cannot load ${name} beside it: start another one`);
  const binding = loadBinding(installed.binding);
  const accelerated = binding.isUsingGpuDevice();
  if (variant === "tensorflow-gpu" && !accelerated) {
    const advice = "ratatouille doctor says what TensorFlow misses; the engine tfjs-node needs none";
    throw new EngineMissingError(`The engine ${name} finds no GPU that it can use here: ${advice}`);
  }
  return { name, version: `TensorFlow ${binding.TF_Version}`, device: accelerated ? "gpu" : "cpu", kernels: tensorflowKernels(binding) };
}
