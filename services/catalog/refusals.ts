import { NoSpaceError } from "#libs/files";
import {
  aborted,
  alreadyExists,
  dataLoss,
  failedPrecondition,
  invalidArgument,
  notFound,
  type RpcError,
  type RpcErrorDetails,
  resourceExhausted,
} from "#libs/rpc";
import { DigestMismatchError, UploadMovedError, UploadTakenOverError } from "#libs/storage";
import { CatalogError, type CatalogErrorReason } from "./errors.ts";

const factories: { readonly [R in CatalogErrorReason]: (message: string, details: RpcErrorDetails) => RpcError } = {
  AMBIGUOUS_DIGEST: invalidArgument,
  ARTIFACT_DAMAGED: notFound,
  ARTIFACT_NEEDED: failedPrecondition,
  ARTIFACT_NOT_FOUND: notFound,
  BLOB_CORRUPTED: dataLoss,
  BLOB_MISSING: failedPrecondition,
  BLOB_NOT_FOUND: notFound,
  CHUNK_DAMAGED: invalidArgument,
  CHUNK_MISSING: failedPrecondition,
  INPUT_MISSING: failedPrecondition,
  INVALID_FIELD: invalidArgument,
  LINEAGE_TOO_LARGE: resourceExhausted,
  RECIPE_NOT_REPRODUCED: alreadyExists,
  REF_MOVED: aborted,
  REF_NOT_FOUND: notFound,
  RULE_NOT_FOUND: notFound,
  TAG_NOT_FOUND: notFound,
  TAG_TAKEN: alreadyExists,
  TENSOR_NOT_FOUND: notFound,
};

/** Does the work of a call; its refusals get their gRPC code. */
export async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRpcError(error);
  }
}

/** The error of a call for what was thrown; what is no refusal stays what it is. */
export function toRpcError(error: unknown): unknown {
  if (error instanceof CatalogError) {
    const { reason, facts, field, message } = error;
    const violations = field === undefined ? [] : [{ field, description: message.replace(`${field}: `, "") }];
    return factories[reason](message, { reason, metadata: facts, violations, cause: error });
  }
  if (error instanceof DigestMismatchError) {
    const field = error.field === "digest" ? "header.digest" : "header.size_bytes";
    return invalidArgument(error.message, { reason: "BLOB_MISMATCH", violations: [{ field, description: error.message }], cause: error });
  }
  if (error instanceof UploadMovedError)
    return failedPrecondition(error.message, {
      reason: "UPLOAD_MOVED",
      metadata: { receivedBytes: String(error.received) },
      cause: error,
    });
  if (error instanceof UploadTakenOverError) return aborted(error.message, { reason: "TAKEN_OVER", cause: error });
  if (error instanceof NoSpaceError) return resourceExhausted(error.message, { reason: "NO_SPACE", cause: error });
  return error;
}
