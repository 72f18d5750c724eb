import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { failedPrecondition } from "#libs/rpc";
import { refuse } from "../answers.ts";

/** How much of a file is there of an upload that broke off, in the headers of draft-ietf-httpbis-resumable-upload. */
export function progress(offset: number | bigint): Readonly<Record<string, string>> {
  return { "upload-offset": String(offset), "upload-complete": "?0" };
}

/** 409 to the rest of a file, before which bytes are missing. */
export function refuseRest(offset: number): UniversalServerResponse {
  const error = failedPrecondition(`bytes before the rest are missing; send from byte ${offset} on`, {
    reason: "UPLOAD_MOVED",
    metadata: { offset: String(offset) },
  });
  return refuse(error, progress(offset), 409);
}
