import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { invalidField, type ServiceClient, type StreamOptions } from "#libs/rpc";
import { quote } from "#libs/text";
import type { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { answer, answerJson } from "../answers.ts";
import { chunksFrom } from "./chunks.ts";
import { progress, refuseRest } from "./progress.ts";
import { sendFile } from "./send-file.ts";
import { type SentRange, sentRange } from "./sent-range.ts";

type Averaging = Pick<ServiceClient<typeof AveragingService>, "contribute" | "withdraw">;

/** What the path names. */
export type ContributionPlace = { readonly sessionId: string; readonly contributor: string };

/**
 * PUT of a contribution: a safetensors file, all of it or the rest (see `sentRange`), with `?digest=`, and `weight=` and `artifact=` where the
 * session wants them. What came is kept where it breaks off, and the same again goes on behind it. 201 when it counts; 200 when it did
 * already; 409 with `Upload-Offset` where bytes before the rest are missing.
 */
export async function putContribution(
  averaging: Averaging,
  place: ContributionPlace,
  request: UniversalServerRequest,
): Promise<UniversalServerResponse> {
  const sent = sentRange(request.header);
  const done = await sendFile(calls(averaging.contribute, request), headerOf(place, request, sent.size), rest(request, sent));
  if (done.kind === "wanted") return refuseRest(done.offset);
  const { existed } = done.last.value;
  return answerJson(existed ? 200 : 201, { existed });
}

/** HEAD of a contribution, with `?digest=` and `size=`: 204 with `Upload-Offset`, the byte from which the session wants it, and `Upload-Complete`. */
export async function headContribution(
  averaging: Averaging,
  place: ContributionPlace,
  request: UniversalServerRequest,
): Promise<UniversalServerResponse> {
  const size = numberOf(new URL(request.url).searchParams.get("size"), "size") ?? 0;
  const done = await sendFile(calls(averaging.contribute, request), headerOf(place, request, size), () => undefined);
  const headers = done.kind === "wanted" ? progress(done.offset) : { "upload-offset": String(size), "upload-complete": "?1" };
  return answer(204, { ...headers, "cache-control": "no-store" });
}

/**
 * DELETE of a contribution: takes it out of the average. Where the session needs its bytes for that and has them no more, it says so
 * (BYTES_NEEDED), and the request has to carry them as a PUT does.
 */
export async function deleteContribution(
  averaging: Averaging,
  place: ContributionPlace,
  request: UniversalServerRequest,
): Promise<UniversalServerResponse> {
  const carries = Number(request.header.get("content-length") ?? 0) > 0;
  const chunksAt = carries ? rest(request, sentRange(request.header)) : nothing;
  const done = await sendFile(calls(averaging.withdraw, request), { ...place, secret: secretOf(request) }, chunksAt);
  return done.kind === "taken" ? answer(204) : refuseRest(done.offset);
}

/** The rest of a file out of the body of a request. */
function rest({ body }: UniversalServerRequest, sent: SentRange): (offset: number) => AsyncIterable<Uint8Array> | undefined {
  return (offset) => (sent.from > offset ? undefined : chunksFrom(body as AsyncIterable<Uint8Array>, sent, offset));
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

/** A call that ends with the request, and whose time is that of the caller. */
function calls<I, O>(
  method: (requests: AsyncIterable<I>, options: StreamOptions) => AsyncIterable<O>,
  { signal }: UniversalServerRequest,
): (requests: AsyncIterable<I>) => AsyncIterable<O> {
  return (requests) => method(requests, { timeoutMs: 0, signal });
}

function headerOf({ sessionId, contributor }: ContributionPlace, request: UniversalServerRequest, size: number) {
  const query = new URL(request.url).searchParams;
  const weight = numberOf(query.get("weight"), "weight");
  return {
    sessionId,
    secret: secretOf(request),
    contributor,
    sizeBytes: BigInt(size),
    digest: query.get("digest") ?? "",
    artifact: query.get("artifact") ?? "",
    ...(weight === undefined ? {} : { weight }),
  };
}

function secretOf({ header: given }: UniversalServerRequest): string {
  return given.get("session-secret") ?? "";
}

function numberOf(text: string | null, name: "size" | "weight"): number | undefined {
  if (text === null) return undefined;
  const number = text.trim() === "" ? Number.NaN : Number(text);
  const right = name === "size" ? Number.isSafeInteger(number) && number >= 0 : Number.isFinite(number);
  if (!right) throw invalidField(name, `expected a ${name === "size" ? "whole " : ""}number, got ${quote(text)}`);
  return number;
}
