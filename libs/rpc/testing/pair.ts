import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { connect, type RpcChannel } from "../client.ts";
import type { ConnectOptions } from "../connection.ts";
import { implement } from "../implement.ts";
import { type RpcServer, type ServeOptions, serve } from "../server.ts";
import type { Implementation, ServiceClient } from "../types.ts";

type Catalog = Partial<Implementation<typeof CatalogService>>;
type Averaging = Partial<Implementation<typeof AveragingService>>;

/** A server with the given handlers and a client of it, for tests: a unary, two streaming and a bidirectional kind are among them. */
export type Pair = AsyncDisposable & {
  server: RpcServer;
  channel: RpcChannel;
  catalog: ServiceClient<typeof CatalogService>;
  averaging: ServiceClient<typeof AveragingService>;
};

/** Serves `handlers` on a free port of 127.0.0.1 and connects to it. */
export async function pair(
  handlers: { catalog?: Catalog; averaging?: Averaging },
  options: { serve?: Partial<ServeOptions>; connect?: ConnectOptions } = {},
): Promise<Pair> {
  const services = [implement(CatalogService, handlers.catalog ?? {}), implement(AveragingService, handlers.averaging ?? {})];
  const server = await serve({ address: "127.0.0.1:0", services, drainMs: 0, ...options.serve });
  const channel = connect(server.address, options.connect);
  return {
    server,
    channel,
    catalog: channel.client(CatalogService),
    averaging: channel.client(AveragingService),
    async [Symbol.asyncDispose]() {
      channel.close();
      await server.drain(0);
    },
  };
}

/** The error that a promise rejects with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

/** All items of a stream. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
