import type { Artifacts } from "#libs/artifacts";
import { isDigest, parseEnvelope, readManifest } from "#libs/recipes";
import { Code, failedPrecondition, invalidField, isRpcError, type RpcError, type ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import { quote } from "#libs/text";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { ResolveInputs } from "./inputs.ts";
import type { JobRecord } from "./job.ts";
import { buildProduct, type Made, parseSummary } from "./products.ts";
import { checkResult } from "./results/check-result.ts";
import { createFiles } from "./results/files.ts";
import { createGiven } from "./results/given.ts";
import { refusalOf } from "./results/refusal.ts";

/** Outputs of which an artifact is made and published, or `artifact`, that is published already. */
export type Completed = Made & { readonly artifact: string };

/**
 * Makes the artifact of what an attempt has made, if that is what the recipe makes, and gives its digest: of an approximate arithmetic that
 * of the first one. A reproduction is only compared: what it has made is checked where it is in the catalog, and not published.
 * @throws RpcError INVALID_ARGUMENT (OUTPUTS_INVALID); FAILED_PRECONDITION (ARTIFACT_MISSING, ARTIFACT_OF_OTHER_RECIPE, BLOB_MISSING)
 */
export type Complete = (job: JobRecord, completed: Completed) => Promise<string>;

/** Completes attempts over a catalog. */
export function createCompletion({
  artifacts,
  catalog,
  resolve,
  log,
}: {
  readonly artifacts: Artifacts;
  readonly catalog: Pick<ServiceClient<typeof CatalogService>, "deleteArtifact">;
  readonly resolve: ResolveInputs;
  readonly log: Logger;
}): Complete {
  const given = createGiven(artifacts);

  const publish = async (job: JobRecord, made: Made): Promise<string> => {
    const recipe = parseEnvelope(job.recipe);
    const inputs = await resolve(recipe);
    const files = createFiles(artifacts);
    const { built, blobs } = await refusing(async () => {
      const product = await buildProduct(recipe, inputs, made, files);
      const { layers } = readManifest(product.built.manifest);
      await checkResult({ recipe, layers, files, given: given(inputs) });
      return product;
    });
    return job.reproduce ? built.digest : (await artifacts.publish(built, { blobs })).digest;
  };

  /** Where it is not what the recipe makes it goes, so that the recipe may have another one. */
  const checkPublished = async (job: JobRecord, digest: string): Promise<string> => {
    if (!isDigest(digest)) throw invalidField("artifact", `${quote(digest)} is no digest`);
    if (job.reproduce) return digest;
    const artifact = await published(digest);
    if (artifact.recipeKey !== job.recipeKey)
      throw failedPrecondition(`artifact ${digest} is of another recipe than job ${job.id}`, { reason: "ARTIFACT_OF_OTHER_RECIPE" });
    const { recipe, layers } = readManifest(artifact.manifest);
    const inputs = await resolve(recipe);
    try {
      await refusing(() => checkResult({ recipe, layers, files: createFiles(artifacts), given: given(inputs) }));
    } catch (error) {
      if (isRefusal(error)) await withdraw(digest);
      throw error;
    }
    return digest;
  };

  const published = async (digest: string): Promise<Artifact> => {
    try {
      return await artifacts.get(digest);
    } catch (error) {
      if (!isRpcError(error, Code.NOT_FOUND)) throw error;
      throw failedPrecondition(`artifact ${digest} is not in the catalog`, { reason: "ARTIFACT_MISSING", cause: error });
    }
  };

  const withdraw = async (digest: string): Promise<void> => {
    try {
      await catalog.deleteArtifact({ digest });
    } catch (error) {
      log.warn({ artifact: digest, err: error }, "an artifact that is not what its recipe makes stays in the catalog");
    }
  };

  return async (job, { artifact, ...made }) => {
    if (made.summary !== "") parseSummary(made.summary);
    return artifact === "" ? publish(job, made) : checkPublished(job, artifact);
  };
}

/** Whether a result was refused because it is not what its recipe makes. */
export function isRefusal(error: unknown): error is RpcError {
  return isRpcError(error, Code.INVALID_ARGUMENT, "OUTPUTS_INVALID");
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusalOf(error);
  }
}
