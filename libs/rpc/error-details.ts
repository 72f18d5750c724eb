import { type Any, anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";
import { codeName, toCode } from "./code.ts";
import { RpcError } from "./errors.ts";

/** The error that the fields of a google.rpc.Status say: reason and facts from its ErrorInfo, violations from its BadRequest. */
export function errorOfDetails(code: number, message: string, all: readonly Any[]): RpcError {
  const infos = all.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
  const { reason = codeName(code), domain, metadata } = infos[0] ?? {};
  const violations = all
    .flatMap((detail) => anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? [])
    .map(({ field, description }) => ({ field, description }));
  const details = all.filter((detail) => !anyIs(detail, ErrorInfoSchema) && !anyIs(detail, BadRequestSchema));
  return new RpcError(toCode(code), message, { reason, domain, metadata, violations, details });
}
