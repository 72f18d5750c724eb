import { asWriteError, NoSpaceError, NotWritableError } from "#libs/files";
import { type PlainError, restoreError } from "#libs/threads";

/**
 * What went wrong. input: a file cannot be read. changed: it is not the one that was planned with. not-finite: a number of a model.
 * overflow: a result
 * is no number of its type. disagree: whole numbers differ between models. disk: the output cannot be written. exists: an output is there already. busy: another
 * process makes the same. memory: a tensor that is needed whole is too large.
 */
export type MergeErrorKind = "input" | "changed" | "not-finite" | "overflow" | "disagree" | "disk" | "exists" | "busy" | "memory";

/** Where it went wrong, as far as that is known. */
export type MergeErrorPlace = {
  readonly tensor?: string;
  /** All tensors that are concerned. */
  readonly tensors?: readonly string[];
  /** Index in the tensor, in C order. */
  readonly element?: number;
  /** Index among the sources of the tensor: models, then the base, then statistics. */
  readonly model?: number;
  readonly path?: string;
};

/** A merge that cannot be made, in one sentence. Nothing was published. */
export class MergeError extends Error {
  override readonly name = "MergeError";
  readonly kind: MergeErrorKind;
  readonly tensor?: string;
  readonly tensors?: readonly string[];
  readonly element?: number;
  readonly model?: number;
  readonly path?: string;
  constructor(kind: MergeErrorKind, message: string, place: MergeErrorPlace = {}, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    Object.assign(this, place);
  }
}

/** The error that a thread sent, a MergeError where it was one. */
export function reviveMergeError(error: PlainError): Error {
  if (error.name !== "MergeError") return restoreError(error);
  const { kind, ...place } = error.fields;
  return new MergeError(kind as MergeErrorKind, error.message, place as MergeErrorPlace);
}

/** The error for a file that could not be written or made: what is missing, and where. */
export function writeError(error: unknown, path: string): Error {
  if (error instanceof MergeError) return error;
  const cause = asWriteError(error, path) as Error;
  const why = cause instanceof NoSpaceError || cause instanceof NotWritableError ? cause.message : `cannot write ${path}: ${cause.message}`;
  return new MergeError("disk", why, { path }, { cause });
}

/** The error for a file that could not be opened or read. */
export function readError(error: unknown, path: string): Error {
  if (error instanceof MergeError) return error;
  return new MergeError("input", `cannot read ${path}: ${(error as Error).message}`, { path }, { cause: error });
}
