export { type Client, type ConnectToOptions, connectTo } from "./connect-to.ts";
export type {
  ArtifactInfo,
  AverageOptions,
  LineageOptions,
  ListOptions,
  OpenOptions,
  RunSpecification,
  Runs,
  SessionState,
} from "./everywhere/index.ts";
export type { PushOptions, Tensors } from "./push.ts";
export type { ClientSession, ContributeOptions } from "./session.ts";
