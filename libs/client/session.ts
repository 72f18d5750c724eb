import { bytesContent, type Contributed, contribute, fileContent, type SendOptions } from "#libs/remote-sessions";
import type { Clients } from "#libs/rpc";
import { saveWeights } from "#libs/tensors";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { type SessionReads, sessionReads } from "./everywhere/index.ts";
import type { Tensors } from "./push.ts";

export type ContributeOptions = SendOptions & {
  /** Where the session has weights and does not say them itself. */
  readonly weight?: number | undefined;
  /** Digest of the model of the catalog whose weights these are, if they are of one. */
  readonly artifact?: string | undefined;
};

/** A session: an average that grows while contributions arrive. */
export type ClientSession = SessionReads & {
  readonly id: string;
  /** For those who may contribute. */
  readonly secret: string;
  /**
   * Contributes the weights of a model: the path of a safetensors file, its bytes, or tensors. Cut connections are gone on with; what was
   * aborted goes on with the same call, from any process. `from` in the answer is the byte at which the server began to take it.
   * @throws RpcError as AveragingService.Contribute has it; the signal's reason
   */
  contribute(contributor: string, weights: string | Uint8Array | Tensors, options?: ContributeOptions): Promise<Contributed>;
};

/** A session that is open on a server. */
export function sessionOf(clients: Clients, id: string, secret: string): ClientSession {
  return {
    ...{ id, secret },
    ...sessionReads(clients, id, secret),
    async contribute(contributor, weights, { weight, artifact, ...sending } = {}) {
      const content =
        typeof weights === "string"
          ? await fileContent(weights, sending.signal)
          : bytesContent(weights instanceof Uint8Array ? weights : saveWeights(weights));
      const contribution = { contributor, content, weight, artifact };
      return contribute(clients.client(AveragingService), { sessionId: id, secret }, contribution, sending);
    },
  };
}
