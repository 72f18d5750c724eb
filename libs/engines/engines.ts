/** What is known of an engine by its name; how it computes is in libs/learning. */
export type EngineFacts = {
  readonly name: string;
  readonly device: "cpu" | "gpu";
  /**
   * What `ratatouille setup` has to install for it; without it, it comes along. Those of `torch` are of the trainer in Python
   * (clients/python), all others of our own.
   */
  readonly setup?: "tensorflow" | "tensorflow-gpu" | "torch";
  /**
   * Multiply-adds of an image up to which a run takes it that names none (`costOf` in libs/networks): with larger networks it would take days
   * that a faster engine does in hours, so whoever wants that has to say so.
   */
  readonly autoUpTo?: number;
};

/** The networks of digits at their usual sizes are below, and the smallest one for photographs is four times larger. */
const SMALL = 100e6;

/** The engines that are known, the fastest of a device first: all else that names engines goes by this. */
export const engines = [
  { name: "torch-gpu", device: "gpu", setup: "torch" },
  { name: "tfjs-node-gpu", device: "gpu", setup: "tensorflow-gpu" },
  { name: "torch", device: "cpu", setup: "torch" },
  { name: "tfjs-node", device: "cpu", setup: "tensorflow" },
  { name: "wasm", device: "cpu", autoUpTo: SMALL },
  { name: "cpu", device: "cpu", autoUpTo: SMALL },
] as const satisfies readonly EngineFacts[];

type OwnEngine = Exclude<(typeof engines)[number], { readonly setup: "torch" }>;

/** The engines of our own trainer, likewise. */
export const ownEngines: readonly OwnEngine[] = engines.filter(
  (engine): engine is OwnEngine => !("setup" in engine && engine.setup === "torch"),
);

export type EngineName = OwnEngine["name"];

/**
 * Whether a run that names no engine may take this one for a network.
 * @param multiplyAdds of one image; nothing of a network that only its trainer knows
 * @example
 * ```ts
 * autoTakes("wasm", 4.1e9); // false
 * autoTakes("tfjs-node", 4.1e9); // true
 * ```
 */
export function autoTakes(name: string, multiplyAdds: number | undefined): boolean {
  return (multiplyAdds ?? 0) <= (engineNamed(name)?.autoUpTo ?? Number.POSITIVE_INFINITY);
}

/**
 * What is known of an engine; nothing of one that only other people's trainers have.
 * @example
 * ```ts
 * engineNamed("tfjs-node-gpu")?.device; // "gpu"
 * engineNamed("my-torch"); // undefined
 * ```
 */
export function engineNamed(name: string): EngineFacts | undefined {
  return engines.find((engine) => engine.name === name);
}

/**
 * The engine of our own trainer of this name; undefined where only others have it.
 * @example
 * ```ts
 * ownEngineNamed("wasm"); // "wasm"
 * ownEngineNamed("torch"); // undefined
 * ```
 */
export function ownEngineNamed(name: string): EngineName | undefined {
  return ownEngines.find((engine) => engine.name === name)?.name;
}

/**
 * The device on which an engine computes: that which its name says, else the one that is given.
 * @example
 * ```ts
 * deviceOf("torch-gpu", "cpu"); // "gpu"
 * deviceOf("my-torch", "gpu"); // "gpu"
 * ```
 */
export function deviceOf(name: string, otherwise: "cpu" | "gpu"): "cpu" | "gpu" {
  return engineNamed(name)?.device ?? otherwise;
}
