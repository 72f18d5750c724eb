import { type Topic, topic } from "#libs/bus";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";

/** Classes of devices. Each has a work queue of its own. */
export const devices = ["cpu", "gpu"] as const;
export type Device = (typeof devices)[number];

/** What a job needs of a trainer. */
export type Needs = {
  readonly device: Device;
  /** What computes: "wasm", "cpu", later perhaps "tensorflow-gpu". */
  readonly backend: string;
  readonly memoryMib: number;
};

/** Classes of memory, smallest first. Few, since each makes a queue for each backend. */
export const memoryClassesMib = [1024, 8192, 65_536] as const;

/** The backends whose queues are declared. Those of others are made when a trainer asks for them. */
export const declaredBackends: { readonly [D in Device]: readonly string[] } = { cpu: ["wasm", "cpu"], gpu: ["tensorflow-gpu"] };

/**
 * The topic of jobs with these needs: that of the smallest class that holds them.
 * @throws RangeError if none does
 * @example
 * ```ts
 * workTopic({ device: "cpu", backend: "wasm", memoryMib: 1025 }).subject; // "ratatouille.v1.work.cpu.wasm.8g"
 * ```
 */
export function workTopic({ device, backend, memoryMib }: Needs): Topic<typeof JobOfferedSchema> {
  const memory = memoryClassesMib.find((mib) => memoryMib <= mib);
  if (memory === undefined || !(memoryMib >= 0))
    throw new RangeError(`a job may need 0 to ${memoryClassesMib.at(-1)} MiB of memory; got ${memoryMib}`);
  return topicOf(device, backend, memory);
}

/**
 * The topics of the jobs that a trainer can run: of all its backends, and of the classes of memory that it has.
 * @example
 * ```ts
 * const topics = workTopicsFor({ device: "cpu", backends: ["wasm"], memoryMib: 16_000 });
 * topics.map(({ subject }) => subject); // ["ratatouille.v1.work.cpu.wasm.1g", "ratatouille.v1.work.cpu.wasm.8g"]
 * ```
 */
export function workTopicsFor(trainer: {
  readonly device: Device;
  readonly backends: readonly string[];
  readonly memoryMib: number;
}): Topic<typeof JobOfferedSchema>[] {
  const { device, backends, memoryMib } = trainer;
  const fitting = memoryClassesMib.filter((mib) => mib <= memoryMib);
  return backends.flatMap((backend) => fitting.map((mib) => topicOf(device, backend, mib)));
}

/** All that the work queue of a device keeps, as the subject of its stream. */
export function workSubjects(device: Device): string {
  return `ratatouille.v1.work.${device}.>`;
}

function topicOf(device: Device, backend: string, mib: number): Topic<typeof JobOfferedSchema> {
  return topic(`ratatouille.v1.work.${device}.${backend}.${mib / 1024}g`, JobOfferedSchema);
}
