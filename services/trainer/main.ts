import { createArtifacts } from "#libs/artifacts";
import { connectRemoteBus } from "#libs/bus";
import { openBackend } from "#libs/learning";
import { connect } from "#libs/rpc";
import { ExitCode, exitWhenParentIsGone, runProcess } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { readTrainerConfig } from "./config.ts";
import { createInputs } from "./inputs.ts";
import { takeWork } from "./take-work.ts";

exitWhenParentIsGone();
const config = configuration();
const log = createLogger({ service: "trainer", ...(config.logFile ? { destination: config.logFile } : {}) });

await runProcess(
  async (stack, { signal }) => {
    // Loading the kernels takes a while; do it before the first job needs them.
    await openBackend("wasm");
    const channel = stack.use(connect(config.server, { token: config.token }));
    const bus = stack.use(connectRemoteBus(channel));
    const artifacts = createArtifacts(channel);
    const inputs = createInputs(artifacts, config.cacheBytes);
    log.info({ server: config.server, trainer: config.name, device: config.device }, "trainer ready");
    await takeWork({ ...config, channel, bus, artifacts, inputs, log }, signal);
  },
  { service: "trainer", log },
);

function configuration() {
  try {
    return readTrainerConfig();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(ExitCode.usage);
  }
}
