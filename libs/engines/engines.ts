/** What is known of an engine by its name; how it computes is in libs/learning. */
export type EngineFacts = {
  readonly name: string;
  readonly device: "cpu" | "gpu";
  /** What `ratatouille setup` has to install for it; without it, it comes along. */
  readonly setup?: "tensorflow" | "tensorflow-gpu";
};

/** The engines of our own trainer, the fastest first: all else that names engines goes by this. */
export const engines = [
  { name: "tfjs-node-gpu", device: "gpu", setup: "tensorflow-gpu" },
  { name: "tfjs-node", device: "cpu", setup: "tensorflow" },
  { name: "wasm", device: "cpu" },
  { name: "cpu", device: "cpu" },
] as const satisfies readonly EngineFacts[];

export type EngineName = (typeof engines)[number]["name"];

/**
 * What is known of an engine; nothing of one that only other trainers have.
 * @example
 * ```ts
 * engineNamed("tfjs-node-gpu")?.device; // "gpu"
 * engineNamed("my-torch"); // undefined
 * ```
 */
export function engineNamed(name: string): (EngineFacts & { readonly name: EngineName }) | undefined {
  return engines.find((engine) => engine.name === name);
}
