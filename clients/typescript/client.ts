export type { RemoteTensor, TensorSelection } from "#libs/artifacts";
export {
  type ArtifactInfo,
  type AverageOptions,
  type Client,
  type ClientSession,
  type ConnectToOptions,
  type ContributeOptions,
  connectTo,
  type LineageOptions,
  type ListOptions,
  type OpenOptions,
  type PushOptions,
  type RunSpecification,
  type Runs,
  type SessionState,
  type Tensors,
} from "#libs/client";
export type { Recipe } from "#libs/recipes";
export { type ClientTls, Code, codeName, type FieldViolation, isRpcError, RpcError } from "#libs/rpc";
export { type Run, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
