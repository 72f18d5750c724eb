import { type Topic, topic } from "#libs/bus";
import { deviceOf, engines } from "#libs/engines";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";

/** Classes of devices. Each has a work queue of its own. */
export const devices = ["cpu", "gpu"] as const;
export type Device = (typeof devices)[number];

/** What a job needs of a trainer. */
export type Needs = {
  /** Of engines whose names do not say theirs. */
  readonly device: Device;
  /** The engine that computes: "wasm", "cpu", "tfjs-node", …; of several the first. */
  readonly backend: string;
  /** All that may compute it, in this order: at least one. */
  readonly backends: readonly string[];
  readonly memoryMib: number;
  /** The network that the engine has to know; "" where the recipe has none. */
  readonly network: string;
  /** Of engines on a GPU, where one of them is; else 0. */
  readonly acceleratorMemoryMib: number;
};

/** What decides on which queue a job waits. */
export type Route = Pick<Needs, "device" | "backend" | "memoryMib">;

/** The largest job of each class of memory but the last, which has no end. Few, since each class makes a queue for each engine. */
export const memoryClassesMib = [1024, 8192, 65_536] as const;

/** The engines of a device whose queues are declared. Those of others are made when a trainer asks for them. */
export function declaredBackends(device: Device): readonly string[] {
  return engines.filter((engine) => engine.device === device).map(({ name }) => name);
}

/**
 * The topic of jobs with these needs: that of the smallest class that holds them.
 * @throws RangeError for a memory below 0
 * @example
 * ```ts
 * workTopic({ device: "cpu", backend: "wasm", memoryMib: 1025 }).subject; // "ratatouille.v1.work.cpu.wasm.8g"
 * workTopic({ device: "cpu", backend: "wasm", memoryMib: 140_000 }).subject; // "ratatouille.v1.work.cpu.wasm.over-64g"
 * ```
 */
export function workTopic({ device, backend, memoryMib }: Route): Topic<typeof JobOfferedSchema> {
  if (!(memoryMib >= 0)) throw new RangeError(`a job may need 0 MiB of memory or more; got ${memoryMib}`);
  const name = classes.find(({ aboveMib }) => memoryMib > aboveMib)?.name ?? SMALLEST;
  return topicOf(device, backend, name);
}

/**
 * The topics on which a job waits: one for each engine that may compute it, on the device of its name or, without one, of the job.
 * @example
 * ```ts
 * const topics = workTopics({ device: "cpu", backends: ["torch", "tfjs-node"], memoryMib: 600 });
 * topics.map(({ subject }) => subject); // ["ratatouille.v1.work.cpu.torch.1g", "ratatouille.v1.work.cpu.tfjs-node.1g"]
 * ```
 */
export function workTopics({ device, backends, memoryMib }: Pick<Needs, "device" | "backends" | "memoryMib">) {
  return backends.map((backend) => workTopic({ device: deviceOf(backend, device), backend, memoryMib }));
}

/**
 * The topics of the jobs that a trainer may be able to run: of all its engines, and of the classes of memory in which there are jobs that it
 * can hold. Of the largest of these some may need more than it has.
 * @example
 * ```ts
 * const topics = workTopicsFor({ device: "cpu", backends: ["wasm"], memoryMib: 4096 });
 * topics.map(({ subject }) => subject); // ["ratatouille.v1.work.cpu.wasm.1g", "ratatouille.v1.work.cpu.wasm.8g"]
 * ```
 */
export function workTopicsFor(trainer: {
  readonly device: Device;
  readonly backends: readonly string[];
  readonly memoryMib: number;
}): Topic<typeof JobOfferedSchema>[] {
  const { device, backends, memoryMib } = trainer;
  const fitting = classes.filter(({ aboveMib }) => aboveMib < memoryMib).reverse();
  return backends.flatMap((backend) => fitting.map(({ name }) => topicOf(device, backend, name)));
}

/** All that the work queue of a device keeps, as the subject of its stream. */
export function workSubjects(device: Device): string {
  return `ratatouille.v1.work.${device}.>`;
}

/** True for a name that an engine can have: lower-case letters, digits and "-", at most 64. It is a word of the subjects of its jobs. */
export function isEngineName(text: string): boolean {
  return /^[a-z0-9-]{1,64}$/.test(text);
}

const inGib = (mib: number) => `${mib / 1024}g`;
const SMALLEST = inGib(memoryClassesMib[0]);

/** Classes of memory, largest first, by what is too small for them. */
const classes: readonly { readonly name: string; readonly aboveMib: number }[] = [
  ...memoryClassesMib.map((mib, i) => ({ name: inGib(mib), aboveMib: memoryClassesMib[i - 1] ?? 0 })),
  { name: `over-${inGib(memoryClassesMib.at(-1)!)}`, aboveMib: memoryClassesMib.at(-1)! },
].reverse();

function topicOf(device: Device, backend: string, memoryClass: string): Topic<typeof JobOfferedSchema> {
  return topic(`ratatouille.v1.work.${device}.${backend}.${memoryClass}`, JobOfferedSchema);
}
