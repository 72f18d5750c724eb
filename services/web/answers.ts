import { createAsyncIterable, type UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { RpcError } from "#libs/rpc";
import { toConnectError } from "./rpc/errors.ts";

type HeaderTexts = Readonly<Record<string, string>>;

/** A whole body at once. */
export function answer(
  status: number,
  headers: HeaderTexts = {},
  body: Uint8Array<ArrayBuffer> = new Uint8Array(0),
): UniversalServerResponse {
  // 204 has no body, and says no length.
  const length = status === 204 ? {} : { "content-length": String(body.length) };
  return { status, header: new Headers({ ...length, ...headers }), body: createAsyncIterable([body]) };
}

/** JSON of plain data. */
export function answerJson(status: number, value: unknown, headers: HeaderTexts = {}): UniversalServerResponse {
  return answer(status, { "content-type": "application/json", ...headers }, new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}

/**
 * An error outside of a call, in the form that errors of unary calls have: JSON with code, message and details.
 * @param status where the code of gRPC has another one
 */
export function refuse(error: RpcError, headers: HeaderTexts = {}, status?: number): UniversalServerResponse {
  const told = toConnectError(error);
  const body = errorToJsonBytes(told, undefined) as Uint8Array<ArrayBuffer>;
  return answer(
    status ?? codeToHttpStatus(told.code),
    { "content-type": "application/json", ...Object.fromEntries(told.metadata), ...headers },
    body,
  );
}
