import { arithmetics, backends } from "#libs/recipes";
import { findTensorflow } from "#libs/tensorflow";
import type { Device } from "#libs/topics";
import { type AcceleratorHere, acceleratorHere } from "./accelerator.ts";
import type { DeviceChoice } from "./device.ts";

/** An engine that this trainer computes with, and what it can: the fields of Engine. */
export type EngineHere = {
  readonly name: string;
  readonly device: Device;
  readonly arithmetics: readonly string[];
  /** It runs all networks of #libs/networks. */
  readonly builtInNetworks: boolean;
};

/** The engines of this machine that a trainer may use, and its accelerator if one of them computes on it. */
export type Machine = { readonly engines: readonly EngineHere[]; readonly accelerator?: AcceleratorHere; readonly tensorflow?: string };

const networks = { arithmetics: [arithmetics.training], builtInNetworks: true } as const;

/**
 * What is there, looked for once, when a trainer starts. Of TensorFlow's two builds a process has one: that for GPUs where there is one that
 * the choice of devices allows.
 */
export async function enginesHere(device: DeviceChoice): Promise<Machine> {
  const exact = backends.map((name): EngineHere => {
    return { name, device: "cpu", arithmetics: [arithmetics[name], ...networks.arithmetics], builtInNetworks: networks.builtInNetworks };
  });
  const own = device === "gpu" ? [] : exact;
  const gpu = device === "cpu" ? undefined : await findTensorflow("tensorflow-gpu");
  const accelerator = gpu && (await acceleratorHere());
  if (gpu && accelerator) {
    const engines = [{ ...networks, name: "tfjs-node-gpu", device: "gpu" } as const, ...own];
    return { engines, accelerator, tensorflow: gpu.version };
  }
  const cpu = device === "gpu" ? undefined : await findTensorflow("tensorflow");
  if (cpu) return { engines: [{ ...networks, name: "tfjs-node", device: "cpu" }, ...own], tensorflow: cpu.version };
  return { engines: own };
}
