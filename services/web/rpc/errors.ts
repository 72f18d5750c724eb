import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { Code, isRpcError, type RpcError } from "#libs/rpc";
import { BadRequestSchema, ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";

/** An error of a service as Connect and gRPC-Web send it: the same code, message and details as over gRPC. */
export function toConnectError(error: RpcError): ConnectError {
  const { message, reason, domain, metadata, violations } = error;
  const info = { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain, metadata: { ...metadata } }) };
  const fields = { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations: [...violations] }) };
  const headers = error.code === Code.UNAUTHENTICATED ? { "www-authenticate": "Bearer" } : undefined;
  // Both count the codes of gRPC.
  const told = new ConnectError(
    message,
    error.code as number as ConnectCode,
    headers,
    violations.length > 0 ? [info, fields] : [info],
    error,
  );
  // Those of other kinds go on as they came.
  told.details.push(...error.details.map(asReceived));
  return told;
}

/** What ends a call: what the caller may see of an error, or of the reason why the call was aborted. Undefined for a bug. */
export function callError(error: unknown, signal: AbortSignal): ConnectError | undefined {
  // The deadline of the caller, or its leaving: the service heard of it as a cancellation.
  if (signal.aborted && signal.reason instanceof ConnectError) return signal.reason;
  if (error instanceof ConnectError) return error;
  return isRpcError(error) ? toConnectError(error) : undefined;
}

function asReceived({ typeUrl, value }: Any): { type: string; value: Uint8Array } {
  return { type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value };
}
