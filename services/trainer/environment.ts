import { arch, cpus, release, type } from "node:os";
import { runtimeName, runtimeVersion, VERSION } from "#libs/service";

/** What decides how a trainer computes, for the records of its attempts: system, processor, runtime and our own version. */
export function environmentHere(): { readonly [name: string]: string } {
  return {
    os: `${type()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model.trim() || arch(),
    runtime: `${runtimeName()} ${runtimeVersion()}`,
    ratatouille: VERSION,
  };
}
