export type {
  ArtifactInfo,
  AverageOptions,
  LineageOptions,
  ListOptions,
  OpenOptions,
  RunSpecification,
  Runs,
  SessionState,
} from "#libs/client/everywhere";
export { connectToWeb, type WebClient, type WebOptions, type WebSession } from "#libs/client/web";
export { Code, isRpcError, RpcError } from "#libs/rpc/portable";
export { type Run, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
