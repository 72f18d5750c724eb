import { join } from "node:path";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { buildModelManifest, type Digest, mediaTypes } from "#libs/recipes";
import { connect, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { writeSafetensors } from "#libs/tensors";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createAveraging } from "../../averaging/index.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createOci, type OciDependencies, type OciRegistry } from "../index.ts";

/** A registry in front of a catalog of its own, and a service that averages, with real files and sockets. */
export type OciFixture = AsyncDisposable & {
  readonly registry: OciRegistry;
  readonly catalog: ServiceClient<typeof CatalogService>;
  readonly artifacts: Artifacts;
  readonly directory: TemporaryDirectory;
  /** The file of a blob in the catalog. */
  blobPath(digest: string): string;
  /** Added to the clock of the catalog, in milliseconds. */
  readonly clock: { aheadMs: number };
  /** Imports a model of one tensor. */
  importModel(name: string, numbers: readonly number[]): Promise<Digest>;
  /** Averages models. */
  average(models: readonly Digest[]): Promise<Digest>;
};

/** Starts them on free ports. @param near the registry reads the catalog's files */
export async function startOci({
  near = false,
  ...options
}: Pick<OciDependencies, "token" | "tls"> & { readonly near?: boolean } = {}): Promise<OciFixture> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory("oci-"));
  const log = createLogger({ service: "oci", destination: directory.join("log") });
  const bus = opening.use(await openLocalBus({ path: ":memory:" }));
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  const service = opening.use(await createCatalog({ directory: directory.join("catalog"), bus, log, now }));
  const server = opening.use(await serve({ address: "127.0.0.1:0", services: service.registrations, log, drainMs: 0 }));
  const channel = opening.use(connect(server.address));
  const averaging = opening.use(await createAveraging({ directory: directory.join("averaging"), clients: channel, log }));
  const averagingServer = opening.use(await serve({ address: "127.0.0.1:0", services: averaging.registrations, log, drainMs: 0 }));
  const averages = opening.use(connect(averagingServer.address)).client(AveragingService);
  const blobs = directory.join("catalog", "blobs", "sha256");
  const registry = opening.use(
    await createOci({ clients: channel, log, address: "127.0.0.1:0", directory: near ? blobs : undefined, ...options }),
  );
  const artifacts = createArtifacts(channel);
  const open = opening.move();
  return {
    registry,
    catalog: channel.client(CatalogService),
    artifacts,
    directory,
    blobPath: (digest) => join(blobs, digest.slice(7, 9), digest.slice(7)),
    clock,
    async importModel(name, numbers) {
      const weights = await artifacts.upload(weightsOf(numbers), { mediaType: mediaTypes.weights });
      const files = [{ path: "model.safetensors", digest: weights.digest, bytes: weights.size }];
      const recipe = { kind: "import", inputs: {}, parameters: { files, licence: "MIT", source: name } };
      const described = { licences: ["MIT"], architecture: "linear", parameterCount: numbers.length };
      return (await artifacts.publish(buildModelManifest({ recipe, weights, ...described }))).digest as Digest;
    },
    async average(models) {
      const recipe = { kind: "average", inputs: { models }, parameters: { method: "linear" }, arithmetic: "exact-mean/1" };
      const request = { recipe: JSON.stringify(recipe), allowUnrelated: true };
      for await (const { event } of averages.average(request, { timeoutMs: 60_000 }))
        if (event.case === "artifact") return event.value.digest as Digest;
      throw new Error("no artifact came");
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** A safetensors file of one tensor. */
export function weightsOf(numbers: readonly number[], name = "weight"): Uint8Array {
  const data = new Uint8Array(new Float32Array(numbers).buffer);
  return writeSafetensors([{ name, dtype: "F32", shape: [numbers.length], data }]);
}
