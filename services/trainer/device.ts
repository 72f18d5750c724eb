import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import * as v from "valibot";
import { memoryClassesMib } from "#libs/topics";

/** A device: `auto` takes the best one of this machine that there is a backend for. */
export function device(): v.GenericSchema<string, "cpu"> {
  const message = "auto or cpu (this version has no backend for GPUs)";
  return v.pipe(
    v.string(message),
    v.check((text) => text === "auto" || text === "cpu", message),
    v.transform(() => "cpu" as const),
  );
}

/** Where Linux says how much memory a container may use: cgroup version 2, then 1. */
const limitFiles = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/** What jobs may use unless told otherwise, in MiB: four fifths of what this machine, or its container, has; never less than the smallest class. */
export function usableMemoryMib(): number {
  const limits = [totalmem(), ...limitFiles.flatMap(limitIn)];
  return Math.max(memoryClassesMib[0], Math.floor((0.8 * Math.min(...limits)) / 2 ** 20));
}

/** The number in a file; "max", 0 and files that are not there say nothing. */
function limitIn(path: string): number[] {
  try {
    const limit = Number(readFileSync(path, "utf8"));
    return limit > 0 ? [limit] : [];
  } catch {
    return [];
  }
}
