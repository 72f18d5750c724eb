export { address, ConfigError, wholeNumber } from "./config.ts";
export { ExitCode, exitCodeOf, InterruptedError, UsageError } from "./exit.ts";
export { type CheckResult, type HealthWatch, watchHealth } from "./health-watch.ts";
export { hostService, readTls } from "./host-service.ts";
export { busSettings, type NatsAccessValues, readNatsAccess } from "./nats-settings.ts";
export { lastWords, readTail, saysReady } from "./program-log.ts";
export { type Main, type ProcessContext, type ProcessOptions, runProcess } from "./run-process.ts";
export {
  cpuTimeMs,
  endWithThisProcess,
  exitWhenParentIsGone,
  type RuntimeName,
  runtimeName,
  runtimeVersion,
  type SpawnScriptOptions,
  signalChild,
  spawnScript,
} from "./runtime.ts";
export type { HealthCheck, Service } from "./service.ts";
export {
  type CommonValues,
  commonSettings,
  dataSetting,
  defaultAddresses,
  listenSetting,
  peerSetting,
} from "./service-settings.ts";
export {
  declareSettings,
  describeSettings,
  flagName,
  readSettings,
  type Setting,
  type SettingLine,
  type Settings,
  type Sources,
  type Values,
  yesOrNo,
} from "./settings.ts";
export { type Supervised, type SuperviseOptions, supervise } from "./supervisor.ts";
export { type UsageHere, usageHere, usageInTurns } from "./usage.ts";
export { VERSION } from "./version.ts";
