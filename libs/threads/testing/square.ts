import { threadId } from "node:worker_threads";
import type { Runner, ThreadContext } from "../types.ts";

type Setup = { readonly add: number };
export type Unit = number | { readonly fail: string } | { readonly spin: true } | { readonly end: number } | { readonly unsent: true };

/** A module for the tests of threads: squares numbers, fails when told to, ends its thread, gives what cannot be sent, and spins until it is cancelled. */
export function setup({ add }: Setup, { cancelled }: ThreadContext): Runner<Unit, { value: number; thread: number }> {
  return {
    run(unit) {
      if (typeof unit === "number") return { value: unit * unit + add, thread: threadId };
      if ("fail" in unit) throw Object.assign(new RangeError(unit.fail), { kind: "input", tensor: "w", places: [1, 2] });
      if ("end" in unit) process.exit(unit.end);
      if ("unsent" in unit) return { value: (() => 1) as unknown as number, thread: threadId };
      while (!cancelled());
      throw new Error("cancelled");
    },
    close() {},
  };
}
