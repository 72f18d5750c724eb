import type { DescMethod } from "@bufbuild/protobuf";
import { decodeBinaryHeader, type HandlerContext } from "@connectrpc/connect";
import { LONGEST_TIMER_MS } from "#libs/concurrency";
import type { CallOptions } from "#libs/rpc";

/** Of the hop from the browser or curl to here, or written anew at every hop. All else goes on as metadata. */
const ofTheHop =
  /^(?:accept.*|access-control-.*|authorization|baggage|cache-control|connect-.*|connection|content-.*|cookie|dnt|expect|forwarded|grpc-.*|host|http2-settings|if-.*|keep-alive|origin|pragma|priority|proxy-.*|range|referer|sec-.*|te|trace(?:parent|state)|trailer|transfer-encoding|upgrade.*|user-agent|via|x-forwarded-.*|x-grpc-web|x-real-ip|x-requested-with|x-user-agent|:.*)$/;

/**
 * How a call goes on to its service: with what is left of its deadline, its cancellation and its metadata. A unary call without a deadline
 * has the channel's, as everywhere; a stream may go on for ever.
 */
export function callOptions(
  method: DescMethod,
  { signal, requestHeader, timeoutMs: left }: Pick<HandlerContext, "signal" | "requestHeader" | "timeoutMs">,
): CallOptions {
  const metadata: Record<string, string> = {};
  const binaryMetadata = new Map<string, Uint8Array[]>();
  for (const [key, value] of requestHeader) {
    if (ofTheHop.test(key)) continue;
    if (key.endsWith("-bin"))
      binaryMetadata.set(
        key,
        value.split(",").map((text) => decodeBinaryHeader(text.trim())),
      );
    else metadata[key] = value;
  }
  const timeoutMs = left();
  const given = timeoutMs === undefined ? undefined : Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(timeoutMs)));
  return { signal, metadata, binaryMetadata, timeoutMs: given ?? (method.methodKind === "unary" ? undefined : 0) };
}
