import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Metadata } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#proto/google/rpc/status_pb.ts";
import { codeName, toCode } from "./code.ts";
import { type FieldViolation, RpcError } from "./errors.ts";

const DETAILS_KEY = "grpc-status-details-bin";
const DOMAIN = "ratatouille";

/** What grpc-js sends as the end of a failed call. */
export type WireStatus = { code: number; details: string; metadata: Metadata };

/** The wire form of an error. */
export function toWireStatus(error: RpcError): WireStatus {
  const info = create(ErrorInfoSchema, { reason: error.reason, domain: DOMAIN, metadata: { ...error.metadata } });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.map(({ field, description }) => ({ field, description }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  const status = create(StatusSchema, { code: error.code, message: error.message, details });
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(toBinary(StatusSchema, status)));
  return { code: error.code, details: error.message, metadata };
}

/** The error of a wire status; undefined if it has no google.rpc.Status, as from grpc-js itself and from plain servers. */
export function fromWireStatus(status: { code: number; metadata?: Metadata | undefined }): RpcError | undefined {
  const bytes = status.metadata?.get(DETAILS_KEY)[0];
  if (bytes === undefined || typeof bytes === "string") return undefined;
  try {
    const parsed = fromBinary(StatusSchema, new Uint8Array(bytes));
    let reason = codeName(status.code);
    let metadata: Record<string, string> = {};
    const violations: FieldViolation[] = [];
    for (const detail of parsed.details) {
      const info = anyUnpack(detail, ErrorInfoSchema);
      if (info !== undefined) {
        reason = info.reason;
        metadata = info.metadata;
      }
      for (const violation of anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? []) {
        violations.push({ field: violation.field, description: violation.description });
      }
    }
    return new RpcError(toCode(status.code), parsed.message, { reason, metadata, violations });
  } catch {
    // The code and the plain message still say what is wrong.
    return undefined;
  }
}
