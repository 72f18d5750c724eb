import { type EngineFacts, type EngineName, ownEngines } from "#libs/engines";
import { arithmetics, backends } from "#libs/recipes";
import { findTensorflow, probe } from "#libs/tensorflow";
import { excerpt } from "#libs/text";
import type { Device } from "#libs/topics";
import { type AcceleratorHere, acceleratorHere } from "./accelerator.ts";
import type { DeviceChoice } from "./device.ts";

/** An engine that this trainer computes with, and what it can: the fields of Engine. */
export type EngineHere = {
  readonly name: EngineName;
  readonly device: Device;
  readonly arithmetics: readonly string[];
  /** It runs all networks of #libs/networks. */
  readonly builtInNetworks: boolean;
};

/** What of TensorFlow is here: the versions that are installed, and the accelerator that the one for GPUs computes on, or why it has none. */
export type TensorflowHere = {
  readonly cpu?: string;
  readonly gpu?: { readonly version: string; readonly computesOn: AcceleratorHere } | { readonly lacks: string };
};

/** The engines of this machine that a trainer may use, and its accelerator if one of them computes on it. */
export type Machine = {
  readonly engines: readonly EngineHere[];
  readonly accelerator?: AcceleratorHere;
  readonly tensorflow?: string;
  /** Why TensorFlow for GPUs, which is installed, is not among them. */
  readonly lacks?: string;
};

/**
 * The engines that a choice of devices allows. Of TensorFlow's two builds a process has one: that for GPUs where it computes on one.
 * @example
 * ```ts
 * chooseEngines("auto", { cpu: "2.15.1" }).engines.map(({ name }) => name); // ["tfjs-node", "wasm", "cpu"]
 * chooseEngines("gpu", { cpu: "2.15.1" }).engines; // []
 * ```
 */
export function chooseEngines(device: DeviceChoice, { cpu, gpu }: TensorflowHere): Machine {
  const own = device === "gpu" ? [] : setUpBy(undefined);
  if (device !== "cpu" && gpu && "computesOn" in gpu)
    return { engines: [...setUpBy("tensorflow-gpu"), ...own], accelerator: gpu.computesOn, tensorflow: gpu.version };
  const lacks = device !== "cpu" && gpu && "lacks" in gpu ? gpu : {};
  if (device === "gpu" || cpu === undefined) return { engines: own, ...lacks };
  return { engines: [...setUpBy("tensorflow"), ...own], tensorflow: cpu, ...lacks };
}

/** The engines that a setup brings, or those that come along: each computes any network, and some the digits benchmark to the bit. */
function setUpBy(setup: EngineFacts["setup"]): EngineHere[] {
  return ownEngines
    .filter((engine: EngineFacts) => engine.setup === setup)
    .map(({ name, device }) => {
      const exact = backends.find((backend) => backend === name);
      return { name, device, arithmetics: [...(exact ? [arithmetics[exact]] : []), arithmetics.training], builtInNetworks: true };
    });
}

/** What is there, looked for and tried once, when a trainer starts. */
export async function enginesHere(device: DeviceChoice, signal?: AbortSignal): Promise<Machine> {
  const [cpu, gpu] = await Promise.all([
    device === "gpu" ? undefined : findTensorflow("tensorflow"),
    device === "cpu" ? undefined : tryGpu(signal),
  ]);
  return chooseEngines(device, { ...(cpu ? { cpu: cpu.version } : {}), ...(gpu ? { gpu } : {}) });
}

/** Has TensorFlow for GPUs compute something, if it is installed: a driver may be too old for it, or a card full. */
async function tryGpu(signal: AbortSignal | undefined): Promise<TensorflowHere["gpu"]> {
  const installed = await findTensorflow("tensorflow-gpu");
  if (!installed) return undefined;
  const computesOn = await acceleratorHere();
  if (!computesOn) return { lacks: "nvidia-smi, NVIDIA's program, names no GPU here" };
  const tried = await probe(installed.binding, { signal });
  if ("problem" in tried)
    return { lacks: `TensorFlow ${installed.version} does not run on ${computesOn.model}: ${excerpt(tried.problem)}` };
  if (tried.accelerator) return { version: tried.version, computesOn };
  const notes = tried.notes.length > 0 ? `: ${excerpt(tried.notes.join("; "))}` : "";
  return { lacks: `TensorFlow ${tried.version} cannot use ${computesOn.model}, driver ${computesOn.driver}${notes}` };
}
