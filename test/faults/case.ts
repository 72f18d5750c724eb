import type { Reference } from "./reference.ts";
import type { Kind } from "./schedule.ts";

/** What a case is given. */
export type CaseContext = {
  readonly seed: number;
  /** An empty directory of its own. */
  readonly directory: string;
  /** Aborts when the case takes too long, or the suite is interrupted. */
  readonly signal: AbortSignal;
  /** What undisturbed runs of the example make, and of the example changed as text. */
  reference(change?: (text: string) => string): Reference;
  /** Counts a process that was killed. */
  killed(kind: Kind): void;
};

/** A fault and the proof that nothing was lost. */
export type Case = {
  /** Lower-case words with "-" between them. */
  readonly name: string;
  /** Part of `--subset`. */
  readonly subset: boolean;
  /** After this time the case has failed. */
  readonly limitMs: number;
  /** Resolves with a sentence about what was done. */
  run(context: CaseContext): Promise<string>;
};
