import { connect, type Implementation, implement, serve } from "#libs/rpc";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type Artifacts, createArtifacts } from "../index.ts";

/** The client of a catalog that does what the test says, over a real socket. services/catalog tests it over the real one. */
export async function catalogOf(
  handlers: Partial<Implementation<typeof CatalogService>>,
): Promise<AsyncDisposable & { artifacts: Artifacts }> {
  const server = await serve({ address: "127.0.0.1:0", services: [implement(CatalogService, handlers)], drainMs: 0 });
  const channel = connect(server.address);
  return {
    artifacts: createArtifacts(channel),
    async [Symbol.asyncDispose]() {
      channel.close();
      await server.drain(0);
    },
  };
}
