import type { JsonValue } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { findArtifact } from "#libs/remote-models/find";
import { type Clients, internal } from "#libs/rpc/portable";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { type AverageProgress, AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type ArtifactInfo, infoOf } from "./artifact-info.ts";

/** A server may be silent for as long as it reads large models. */
const IDLE_TIMEOUT_MS = 600_000;

export type AverageOptions = {
  /** Its name in `methods()`. "uniform", the mean, unless given. */
  readonly method?: string | undefined;
  /** One for each model, for methods with weights. */
  readonly weights?: readonly number[] | undefined;
  /** The model to which differences are taken. */
  readonly base?: string | undefined;
  /** Of each model, for methods that need them. */
  readonly statistics?: readonly string[] | undefined;
  /** Parameters of the method by name: a number or a boolean, or one for each model. */
  readonly parameters?: { readonly [name: string]: number | boolean | readonly (number | boolean)[] } | undefined;
  /** Names of tensors that the result does not have. */
  readonly exclude?: readonly string[] | undefined;
  /** Type of the result: "F64", "F32", "F16" or "BF16". That of the models unless given. */
  readonly dtype?: string | undefined;
  /** Of random methods. */
  readonly seed?: number | undefined;
  /** Average models of different foundation models all the same. */
  readonly allowUnrelated?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly readBytes: number; readonly totalBytes: number }) => void) | undefined;
};

/**
 * Averages models of a catalog on its server. Equal requests are one model.
 * @param models by digest, at least 8 digits of one, or ref; their order belongs to the recipe
 * @throws RpcError NOT_FOUND, INVALID_ARGUMENT (AVERAGE_INVALID), FAILED_PRECONDITION (INCOMPATIBLE_MODELS), see AveragingService.Average
 */
export async function average(clients: Clients, models: readonly string[], options: AverageOptions = {}): Promise<ArtifactInfo> {
  const {
    signal,
    method = "",
    weights = [],
    parameters = {},
    exclude = [],
    dtype = "",
    seed,
    allowUnrelated = false,
    onProgress,
  } = options;
  const catalog = clients.client(CatalogService);
  const digestOf = async (name: string) => (await findArtifact(name, catalog, signal)).digest;
  const request = {
    models: await Promise.all(models.map(digestOf)),
    base: options.base === undefined ? "" : await digestOf(options.base),
    statistics: await Promise.all((options.statistics ?? []).map(digestOf)),
    ...{ method, weights: [...weights], exclude: [...exclude], dtype, allowUnrelated },
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, fromJson(ValueSchema, value as JsonValue)])),
    ...(seed === undefined ? {} : { seed }),
  };
  const call = { signal, timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS };
  return infoOf(await artifactAfter(clients.client(AveragingService).average(request, call), onProgress));
}

type Event = { readonly case: "progress"; readonly value: AverageProgress } | { readonly case: "artifact"; readonly value: Artifact };

/** The artifact with which a stream of progress ends. */
export async function artifactAfter(
  replies: AsyncIterable<{ readonly event: Event | { readonly case: undefined } }>,
  onProgress: AverageOptions["onProgress"],
): Promise<Artifact> {
  for await (const { event } of replies) {
    if (event.case === "artifact") return event.value;
    if (event.case !== "progress") continue;
    onProgress?.({ readBytes: Number(event.value.readBytes), totalBytes: Number(event.value.totalBytes) });
  }
  throw internal("the server ended an average without a model");
}
