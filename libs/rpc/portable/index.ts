/** What runs anywhere, in browsers, too: the rest of `#libs/rpc` needs sockets. */
export { allPages } from "../all-pages.ts";
export type { Clients } from "../client.ts";
export { Code } from "../code.ts";
export { dataLoss, internal, isRpcError, RpcError, unavailable } from "../errors.ts";
export type { ServiceClient } from "../types.ts";
