import { mediaTypes } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import type { CompleteAttemptRequest } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import type { Product } from "./product.ts";

/** What CompleteAttempt is told of a product. */
type Told = Partial<Pick<CompleteAttemptRequest, "artifact" | "summary" | "curve">> & {
  readonly outputs?: { role: string; digest: string; sizeBytes: bigint }[];
};

/**
 * Brings a product to the catalog and completes the attempt with it. Where the catalog does not have an output any more when it is asked for,
 * that is sent once more.
 */
export async function deliver<R>(bring: () => Promise<Told>, complete: (told: Told) => Promise<R>): Promise<R> {
  const told = await bring();
  try {
    return await complete(told);
  } catch (error) {
    if (!isRpcError(error, Code.FAILED_PRECONDITION, "BLOB_MISSING")) throw error;
    return await complete(await bring());
  }
}

/** Brings a product to the catalog. Of a reproduction the artifact is not published, it is only compared. */
export async function publish(
  product: Product,
  { artifacts }: Pick<AttemptDependencies, "artifacts">,
  reproduce: boolean,
  signal: AbortSignal,
): Promise<Told> {
  if ("built" in product) {
    if (!reproduce) await artifacts.publish(product.built, { blobs: product.blobs.map(({ bytes }) => bytes), signal });
    return { artifact: product.built.digest };
  }
  const outputs: { role: string; digest: string; sizeBytes: bigint }[] = [];
  for (const { role, content } of product.outputs) {
    const { digest, size } = await artifacts.upload(typeof content === "function" ? content() : content, {
      mediaType: mediaTypes.sourceLayer,
      signal,
    });
    outputs.push({ role, digest, sizeBytes: BigInt(size) });
  }
  const { summary, curve } = product;
  return {
    outputs,
    ...(summary === undefined ? {} : { summary: JSON.stringify(summary) }),
    ...(curve === undefined ? {} : { curve: JSON.stringify(curve) }),
  };
}
