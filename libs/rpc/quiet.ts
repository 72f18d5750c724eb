import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";

/** Keeps grpc-js from writing to stderr on its own: what goes wrong reaches the caller as an error. */
export function quietGrpcLogging(): void {
  setLogVerbosity(logVerbosity.NONE);
}
