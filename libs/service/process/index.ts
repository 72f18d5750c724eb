/** What a process needs that has to start at once: the rest of `#libs/service` loads gRPC and telemetry, which takes a tenth of a second. */
export { ExitCode, exitCodeOf, InterruptedError, UsageError } from "../exit.ts";
export { type RuntimeName, runtimeName, runtimeVersion } from "../runtime.ts";
export { VERSION } from "../version.ts";
export { type LifeOptions, live, liveProcess } from "./live.ts";
