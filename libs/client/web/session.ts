import type { Clients } from "#libs/rpc/portable";
import { type SessionReads, sessionReads } from "../everywhere/index.ts";
import { digestOfBytes } from "./digest.ts";
import type { Files } from "./files.ts";

type ContributeOptions = { readonly weight?: number; readonly artifact?: string; readonly signal?: AbortSignal };

/** A session: an average that grows while contributions arrive. */
export type WebSession = SessionReads & {
  readonly id: string;
  /** For those who may contribute. */
  readonly secret: string;
  /**
   * Contributes the bytes of a safetensors file. What was cut or aborted goes on with the same call: `from` is the byte at which the server
   * began to take it.
   * @throws RpcError as AveragingService.Contribute has it
   */
  contribute(
    contributor: string,
    weights: Uint8Array<ArrayBuffer>,
    options?: ContributeOptions,
  ): Promise<{ readonly existed: boolean; readonly from: number }>;
};

/** A session that is open on a server. */
export function webSession(clients: Clients, files: Files, id: string, secret: string): WebSession {
  return {
    ...{ id, secret },
    ...sessionReads(clients, id, secret),
    async contribute(contributor, weights, { weight, artifact, signal } = {}) {
      const query = new URLSearchParams({
        ...{ digest: await digestOfBytes(weights), size: String(weights.length) },
        ...(weight === undefined ? {} : { weight: String(weight) }),
        ...(artifact === undefined ? {} : { artifact }),
      });
      const path = `/v1/sessions/${encodeURIComponent(id)}/contributions/${encodeURIComponent(contributor)}?${query}`;
      const { from, answer } = await files.put(path, weights, { headers: { "session-secret": secret }, signal });
      return { from, existed: answer === undefined || (answer as { existed: boolean }).existed };
    },
  };
}
