/** Why the catalog says no. `service.ts` gives each its gRPC code. */
export type CatalogErrorReason =
  | "AMBIGUOUS_DIGEST"
  | "ARTIFACT_DAMAGED"
  | "ARTIFACT_NEEDED"
  | "ARTIFACT_NOT_FOUND"
  | "BLOB_CORRUPTED"
  | "BLOB_MISSING"
  | "BLOB_NOT_FOUND"
  | "CHUNK_DAMAGED"
  | "CHUNK_MISSING"
  | "INPUT_MISSING"
  | "INVALID_FIELD"
  | "LINEAGE_TOO_LARGE"
  | "RECIPE_NOT_REPRODUCED"
  | "REF_MOVED"
  | "REF_NOT_FOUND"
  | "RULE_NOT_FOUND"
  | "TAG_NOT_FOUND"
  | "TAG_TAKEN"
  | "TENSOR_NOT_FOUND";

/** An expected refusal. The message is for the caller, the facts are for its program. */
export class CatalogError extends Error {
  override readonly name = "CatalogError";
  readonly reason: CatalogErrorReason;
  readonly facts: Readonly<Record<string, string>>;
  /** Path of the wrong field of the request, if one is wrong. */
  readonly field: string | undefined;
  constructor(
    reason: CatalogErrorReason,
    message: string,
    { facts = {}, field, cause }: { facts?: Readonly<Record<string, string>>; field?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.reason = reason;
    this.facts = facts;
    this.field = field;
  }
}

/** A field of the request has an impossible value. */
export function invalidField(field: string, message: string, cause?: unknown): CatalogError {
  return new CatalogError("INVALID_FIELD", `${field}: ${message}`, { field, cause });
}
