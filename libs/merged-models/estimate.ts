import { type MergePlan, methodNamed, type PlannedTensor } from "#libs/merging";
import { tensorBytes } from "#libs/tensors";
import type { MergeEstimate } from "./prepared-merge.ts";

/** Bytes a second that one thread reads and computes, by the number of passes: measured on files in the page cache of a usual machine. */
const SPEED = { one: 2.5e9, several: 0.8e9, whole: 0.2e9 };
/** What a process needs before it has read anything, and for each thread. */
export const MEMORY = { process: 70e6, thread: 25e6 };

/** What a plan will take with so many threads. Times are for files that are in memory already; a disk may take longer. */
export function estimate(plan: MergePlan, threads: number): MergeEstimate {
  const steps = new Map<string, { method: string; tensors: number; bytes: number; passes: number; atMost: boolean; speed: number }>();
  for (const tensor of plan.tensors) {
    const { passes, atMost, speed } = passesOf(tensor, plan);
    const key = `${tensor.method} ${passes}`;
    const step = steps.get(key) ?? { method: tensor.method, tensors: 0, bytes: 0, passes, atMost, speed };
    step.tensors += 1;
    step.bytes += passes * bytesOf(tensor);
    steps.set(key, step);
  }
  const all = [...steps.values()];
  const writtenBytes = plan.outputs.reduce((sum, { size }) => sum + size, 0);
  const seconds = all.reduce((sum, { bytes, speed }) => sum + bytes / (speed * threads), 0) + writtenBytes / 1e9;
  return {
    readBytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    writtenBytes,
    memoryBytes: MEMORY.process + threads * MEMORY.thread + wholeBytes(plan) * threads,
    seconds,
    steps: all.map(({ speed: _, ...step }) => step),
  };
}

function bytesOf({ models, base, statistics = [], shape }: PlannedTensor): number {
  return [...models, ...(base ? [base] : []), ...statistics].reduce((sum, { dtype }) => sum + tensorBytes(dtype, shape), 0);
}

function passesOf(tensor: PlannedTensor, plan: MergePlan): { passes: number; atMost: boolean; speed: number } {
  const program = programOf(tensor, plan);
  switch (program?.kind) {
    case "ranges":
      return {
        passes: program.reductions.length + 1,
        atMost: program.reductions.some((reduction) => reduction.order === "any" && reduction.needed !== undefined),
        speed: SPEED.several,
      };
    case "gram":
      return { passes: 2, atMost: false, speed: SPEED.one };
    case "whole":
      return { passes: 1, atMost: false, speed: SPEED.whole };
    default:
      return { passes: 1, atMost: false, speed: SPEED.one };
  }
}

/** Bytes that methods need that want whole tensors at once, in double precision. */
function wholeBytes(plan: MergePlan): number {
  const needs = plan.tensors.map((tensor) => {
    const sources = tensor.models.length + (tensor.base ? 1 : 0) + (tensor.statistics?.length ?? 0) + 1;
    return programOf(tensor, plan)?.kind === "whole" ? 8 * tensor.elements * sources : 0;
  });
  return needs.reduce((most, bytes) => Math.max(most, bytes), 0);
}

function programOf({ name, shape, method, models, base, parameters, of }: PlannedTensor, { seed, digests }: MergePlan) {
  return methodNamed(method)?.program({
    ...{ name, shape, parameters, seed },
    models: models.length,
    hasBase: base !== undefined,
    digests: of === undefined ? digests : of.map((index) => digests[index] ?? ""),
  });
}
