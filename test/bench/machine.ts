import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { runtimeName, runtimeVersion } from "#libs/service";

/** What the figures depend on besides the code. */
export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly runtime: string;
  /** Mean number of busy cores over the last minute, before the benchmark. */
  readonly load: number;
};

/** The facts of this machine now. */
export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    runtime: `${runtimeName()} ${runtimeVersion()}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** One line, and a second one where something else keeps the machine busy. */
export function describeMachine({ cpu, cores, memoryGib, system, runtime, load }: Machine): string {
  const line = `${cores} cores of ${cpu}, ${memoryGib} GiB, ${system}, ${runtime}, load ${load}`;
  return load > cores / 4 ? `${line}\nSomething else is running: the figures will be worse than they could be.` : line;
}
