import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import * as v from "valibot";
import { type Device, devices, memoryClassesMib } from "#libs/topics";

/** Which engines a trainer uses: all that are there, or those of one device. */
export type DeviceChoice = "auto" | Device;

/** A choice of devices. */
export function device(): v.GenericSchema<string, DeviceChoice> {
  return v.picklist(["auto", ...devices], `auto, ${devices.join(" or ")}`) as v.GenericSchema<string, DeviceChoice>;
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
