import type { Bench } from "./bench.ts";

/** Something that a trainer has to do, and the proof that it did. */
export type Check = {
  /** Lower-case words with "-" between them. */
  readonly name: string;
  /** What it looks at, for `--list`. */
  readonly about: string;
  /** After this time the check has failed. */
  readonly limitMs: number;
  /** Resolves with a sentence about what was done. @throws Error with a sentence that says what the trainer did not do */
  run(bench: Bench): Promise<string>;
};

/** Fails a check with a sentence. */
export function demand(fulfilled: unknown, sentence: string): asserts fulfilled {
  if (!fulfilled) throw new Error(sentence);
}

/** Seconds, for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
