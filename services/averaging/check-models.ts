import { type Artifacts, blobSource, createFoundationFinder, type Foundation } from "#libs/artifacts";
import { createLimit } from "#libs/concurrency";
import type { StreamedModel } from "#libs/merging";
import { isDigest, layerOf, ManifestError, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { openSafetensors, readAhead, SafetensorsError } from "#libs/tensors";
import { InvalidAverageError, type Violation } from "./errors.ts";

// Manifests, configs and headers are small: enough at once to hide the round trips.
const CONCURRENT_OPENS = 16;

/**
 * Opens models of the catalog to be checked: manifests, configs, lineages and the headers of their weights; none of the weights.
 * Throws InvalidAverageError naming every field that is no model that can be read; RpcError DATA_LOSS.
 */
export async function openChecked(
  artifacts: Artifacts,
  fields: readonly { readonly field: string; readonly digest: string }[],
  options: { readonly blockBytes: number; readonly signal: AbortSignal },
): Promise<StreamedModel[]> {
  const violations: Violation[] = [];
  const limit = createLimit(CONCURRENT_OPENS);
  const foundations = createFoundationFinder(artifacts, options.signal);
  const opened = await Promise.all(
    fields.map(({ field, digest }) =>
      limit(async () => {
        try {
          return await openOne(artifacts, digest, foundations, options);
        } catch (error) {
          violations.push({ field, description: refusal(error) });
          return undefined;
        }
      }),
    ),
  );
  const order = fields.map(({ field }) => field);
  if (violations.length > 0) throw new InvalidAverageError(violations.sort((a, b) => order.indexOf(a.field) - order.indexOf(b.field)));
  return opened.filter((model) => model !== undefined);
}

async function openOne(
  artifacts: Artifacts,
  digest: string,
  foundationOf: (manifest: ReadManifest) => Promise<Foundation | undefined>,
  { blockBytes, signal }: { readonly blockBytes: number; readonly signal: AbortSignal },
): Promise<StreamedModel> {
  if (!isDigest(digest)) throw new ManifestError("is no digest: sha256: and 64 hexadecimal digits");
  const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
  if (manifest.kind !== "model") throw new ManifestError(`is a ${manifest.kind}; it has to be a model`);
  const layer = layerOf(manifest, mediaTypes.weights);
  const file = await openSafetensors(readAhead(blobSource(artifacts, layer, signal), blockBytes));
  const { dataOffset, tensors } = file.header;
  const config = JSON.parse(new TextDecoder().decode(await artifacts.download(manifest.config.digest, { signal })));
  const architecture: unknown = config?.config?.architecture;
  const foundation = await foundationOf(manifest);
  return {
    name: digest,
    artifact: digest,
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, begin, end }]) => [
        name,
        { file: 0, dtype, shape, offset: dataOffset + begin, length: end - begin },
      ]),
    ),
    config: typeof architecture === "string" ? { architecture } : undefined,
    licences: manifest.licences,
    foundation: foundation?.digest,
    foundationImported: foundation?.imported,
    read: file.read,
  };
}

/** What a violation says of an error that is the caller's. Other errors go on. */
function refusal(error: unknown): string {
  if (isRpcError(error, Code.NOT_FOUND)) return "is not in the catalog";
  if (error instanceof SafetensorsError || error instanceof ManifestError || error instanceof SyntaxError) return error.message;
  throw error;
}
