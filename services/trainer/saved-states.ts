import { createHash } from "node:crypto";
import type { Artifacts } from "#libs/artifacts";
import type { SavedState } from "#libs/learning";
import { type Digest, mediaTypes } from "#libs/recipes";
import { dataLoss } from "#libs/rpc";
import { planSafetensors } from "#libs/tensors";

/** What of a state travels between threads. */
export type StateBytes = Pick<SavedState, "tensors" | "metadata">;

/** Bytes of a state's numbers. */
export function stateBytes({ tensors }: Pick<SavedState, "tensors">): number {
  return tensors.reduce((sum, { data }) => sum + data.length, 0);
}

/** Where a state is, and for how many milliseconds a processor of this machine worked on it. */
export type Uploaded = { readonly digest: Digest; readonly busyMs: number };

/**
 * Sends a state to the catalog as a safetensors file, tensor by tensor: it is never in memory a second time.
 * @throws RpcError, DATA_LOSS if what arrived is not what was sent
 */
export async function uploadState({ tensors, metadata }: StateBytes, artifacts: Artifacts, signal?: AbortSignal): Promise<Uploaded> {
  const { header, offsets } = planSafetensors(tensors, metadata);
  const inOrder = [...tensors].sort((a, b) => offsets.get(a.name)!.begin - offsets.get(b.name)!.begin);
  const hash = createHash("sha256");
  let busyMs = 0;
  async function* parts() {
    for (const part of [header, ...inOrder.map(({ data }) => data)]) {
      const began = performance.now();
      hash.update(part);
      busyMs += performance.now() - began;
      yield part;
    }
  }
  const { digest } = await artifacts.upload(parts(), { mediaType: mediaTypes.sourceLayer, signal });
  if (digest !== `sha256:${hash.digest("hex")}`) throw dataLoss("a checkpoint arrived with other bytes", { reason: "BLOB_CORRUPTED" });
  return { digest, busyMs };
}
