import { connect, type Implementation, implement, type ServiceRegistration, serve } from "#libs/rpc";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createWeb, type WebOptions } from "../index.ts";

/** A server over HTTP in front of services. */
export type Served = AsyncDisposable & {
  readonly url: string;
  /** Where the methods of the catalog are. */
  readonly catalog: string;
  /** Errors that nobody expected. */
  readonly logged: readonly string[];
};

type Options = Pick<WebOptions, "token" | "origins">;

/** Services behind a server of gRPC, and the web's server in front of it: real sockets all the way. */
export async function served(services: readonly ServiceRegistration[], options: Options = {}): Promise<Served> {
  await using opening = new AsyncDisposableStack();
  const behind = opening.use(await serve({ address: "127.0.0.1:0", services, drainMs: 0 }));
  const clients = opening.use(connect(behind.address));
  const logged: string[] = [];
  const log = { info() {}, error: (fields: Record<string, unknown>, message: string) => void logged.push(`${message}: ${fields["err"]}`) };
  const { url } = opening.use(await createWeb({ address: "127.0.0.1:0", clients, log, ...options }));
  const open = opening.move();
  return { url, catalog: `${url}/${CatalogService.typeName}`, logged, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** A catalog of these handlers, and nothing of averaging. */
export function catalogOf(handlers: Partial<Implementation<typeof CatalogService>>): readonly ServiceRegistration[] {
  return [implement(CatalogService, handlers), implement(AveragingService, {})];
}
