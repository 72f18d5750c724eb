import { HttpError, type HttpErrorBody } from "#libs/http";
import { Code } from "#libs/rpc";

/** The codes of errors that the distribution specification has. */
const codes = [
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DIGEST_INVALID",
  "MANIFEST_BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_UNKNOWN",
  "NAME_INVALID",
  "NAME_UNKNOWN",
  "SIZE_INVALID",
  "UNAUTHORIZED",
  "DENIED",
  "UNSUPPORTED",
  "TOOMANYREQUESTS",
] as const;
export type OciCode = (typeof codes)[number];

/** Of each status the closest code of gRPC, and what the specification calls it where nobody has said more. */
const kinds: { readonly [status: number]: { readonly code: Code; readonly oci: OciCode | "UNKNOWN" } } = {
  400: { code: Code.INVALID_ARGUMENT, oci: "UNSUPPORTED" },
  401: { code: Code.UNAUTHENTICATED, oci: "UNAUTHORIZED" },
  403: { code: Code.PERMISSION_DENIED, oci: "DENIED" },
  404: { code: Code.NOT_FOUND, oci: "NAME_UNKNOWN" },
  405: { code: Code.UNIMPLEMENTED, oci: "UNSUPPORTED" },
  413: { code: Code.RESOURCE_EXHAUSTED, oci: "SIZE_INVALID" },
  416: { code: Code.OUT_OF_RANGE, oci: "BLOB_UPLOAD_INVALID" },
  429: { code: Code.RESOURCE_EXHAUSTED, oci: "TOOMANYREQUESTS" },
};

/** An error of the distribution API. */
export function ociError(status: number, reason: OciCode, message: string, headers: Readonly<Record<string, string>> = {}): HttpError {
  return new HttpError(status, message, { code: kinds[status]?.code ?? Code.UNKNOWN, reason, headers });
}

/**
 * The body of an error as the specification has it.
 * @example
 * ```ts
 * ociErrorBody(ociError(404, "BLOB_UNKNOWN", "no such blob")).text; // '{"errors":[{"code":"BLOB_UNKNOWN","message":"no such blob"}]}'
 * ```
 */
export const ociErrorBody: HttpErrorBody = ({ status, reason, message }) => {
  const code = (codes as readonly string[]).includes(reason) ? reason : (kinds[status]?.oci ?? "UNKNOWN");
  return { type: "application/json", text: JSON.stringify({ errors: [{ code, message }] }) };
};
