import { threadId } from "node:worker_threads";
import type { Runner, ThreadContext } from "../threads.ts";

type Setup = { readonly add: number };
export type Unit = number | { readonly fail: string } | { readonly spin: true };

/** A module for the tests of threads: squares numbers, fails when told to, and spins until it is cancelled. */
export function setup({ add }: Setup, { cancelled }: ThreadContext): Runner<Unit, { value: number; thread: number }> {
  return {
    run(unit) {
      if (typeof unit === "number") return { value: unit * unit + add, thread: threadId };
      if ("fail" in unit) throw Object.assign(new RangeError(unit.fail), { kind: "input", tensor: "w", places: [1, 2] });
      while (!cancelled());
      throw new Error("cancelled");
    },
    close() {},
  };
}
