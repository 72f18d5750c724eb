import type { Runtime } from "../e2e/runtimes.ts";

/** The lines that say of a test that it has ended. */
const ended: { readonly [R in Exclude<Runtime, "deno">]: RegExp } = {
  bun: /^\((?:pass|fail)\) (.*?)(?: \[[\d.]+ms\])?$/gm,
  node: /^ *[✔✖] (.*?)(?: \([\d.]+ms\))?$/gm,
};

/**
 * What the output of a runner that did not come to its end says of when that was: in which test on Deno, which names each as it begins; the
 * others name those that have ended.
 */
export function lastTest(runtime: Runtime, output: string): string {
  if (runtime === "deno") {
    const begun = [...output.matchAll(/^(.+?) \.\.\./gm)].at(-1);
    if (!begun) return "before any test had begun";
    const over = /^ ?(?:ok|FAILED|ignored)\b/m.test(output.slice(begun.index + begun[0].length));
    return `${over ? "after" : "in"} the test "${begun[1]}"`;
  }
  const name = [...output.matchAll(ended[runtime])].at(-1)?.[1];
  return name === undefined ? "before any test had ended" : `after the test "${name}"`;
}
