import { fewLines } from "#libs/text";
import type { PlainError } from "#libs/threads";

/** input: what was asked for cannot be done. not-finite, overflow: a number of an input or of the result is none. busy: another process makes the same. */
export type AdapterErrorKind = "input" | "not-finite" | "overflow" | "busy";

/** Adapters that cannot be averaged: every reason, each one sentence that names the adapter. */
export class AdapterError extends Error {
  override readonly name = "AdapterError";
  readonly problems: readonly string[];
  readonly kind: AdapterErrorKind;
  /** The tensor concerned, where it is one number. */
  readonly tensor: string | undefined;

  constructor(problems: readonly string[], kind: AdapterErrorKind = "input", tensor?: string) {
    super(problems.length === 1 ? problems[0] : `${problems.length} things stand in the way:\n  ${fewLines(problems).join("\n  ")}`);
    this.problems = problems;
    this.kind = kind;
    this.tensor = tensor;
  }
}

/** The error that a thread sent, an AdapterError where it was one. */
export function reviveAdapterError({ name, message, stack, fields }: PlainError): Error {
  if (name === "AdapterError")
    return new AdapterError(fields["problems"] as string[], fields["kind"] as AdapterErrorKind, fields["tensor"] as string | undefined);
  return Object.assign(new Error(message), fields, { name, stack });
}

/** Names in a sentence: the first three, and how many more there are. */
export function several(names: readonly string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
