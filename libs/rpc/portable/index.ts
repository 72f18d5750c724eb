/** What runs anywhere, in browsers, too: the rest of `#libs/rpc` needs sockets. */
export { allPages } from "../all-pages.ts";
export { Code } from "../code.ts";
export { errorOfDetails } from "../error-details.ts";
export { dataLoss, internal, isRpcError, RpcError, unavailable } from "../errors.ts";
export type { Clients, ServiceClient } from "../types.ts";
