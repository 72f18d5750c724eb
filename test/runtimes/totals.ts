import type { Runtime } from "../e2e/runtimes.ts";

/** What a runner says at its end. */
export type Totals = { readonly passed: number; readonly failed: number };

const patterns: { readonly [R in Runtime]: readonly [passed: RegExp, failed: RegExp] } = {
  bun: [/^ *(\d+) pass$/m, /^ *(\d+) fail$/m],
  node: [/^ℹ pass (\d+)$/m, /^ℹ fail (\d+)$/m],
  deno: [/^\w+ \| (\d+) passed/m, /^\w+ \|.* (\d+) failed/m],
};

/** The totals that the runner of a runtime has printed; undefined if it did not get as far. */
export function totalsOf(runtime: Runtime, output: string): Totals | undefined {
  const [passed, failed] = patterns[runtime].map((pattern) => pattern.exec(output)?.[1]);
  return passed === undefined || failed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) };
}
