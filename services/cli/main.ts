import { liveProcess } from "#libs/service/process";
import { commandContext } from "./context.ts";
import { isLight } from "./program.ts";
import { runCommand, sayError } from "./run-command.ts";

const [command = "", service] = process.argv.slice(2);
// Commands on files start without gRPC, telemetry and tfjs: that takes longer than many an average.
const light = isLight(command) && !process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
const begin = light ? undefined : (await import("./telemetry.ts")).beginTelemetry;

await liveProcess((stack, signal) => runCommand(process.argv.slice(2), commandContext(stack, signal)), {
  ...(begin ? { begin: () => begin(command, service) } : {}),
  onError: (error) => sayError(error, process.stderr),
});
