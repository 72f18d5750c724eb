export { allPages } from "./all-pages.ts";
export { connect, type RpcChannel } from "./client.ts";
export { Code, codeName } from "./code.ts";
export type { ClientTls, ConnectOptions } from "./connection.ts";
export {
  aborted,
  alreadyExists,
  cancelled,
  dataLoss,
  deadlineExceeded,
  type FieldViolation,
  failedPrecondition,
  internal,
  invalidArgument,
  isRpcError,
  notFound,
  permissionDenied,
  RpcError,
  type RpcErrorDetails,
  resourceExhausted,
  unauthenticated,
  unavailable,
  unimplemented,
} from "./errors.ts";
export { forward, routeClients } from "./forward.ts";
export { implement, type ServiceRegistration } from "./implement.ts";
export { checkListener, hostOf, isLoopback, listenFailure, type ServerTls, tokenCheck } from "./listener.ts";
export { PAGE_SIZE, pageToken, parsePageSize, parsePageToken } from "./pages.ts";
export { invalidField, parseAmount, parseText } from "./requests.ts";
export { type RpcServer, type ServeOptions, serve } from "./server.ts";
export { shortenedTimeout } from "./timeout.ts";
export type { CallContext, CallOptions, Clients, Implementation, RpcLog, ServiceClient, StreamOptions } from "./types.ts";
