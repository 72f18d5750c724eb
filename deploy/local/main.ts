// `npm run system -- [--data DIRECTORY] [--trainers N] [--free-ports]`: the whole system on this machine, each service a program of its
// own, until Ctrl-C.
import { parseArgs } from "node:util";
import { runProcess, UsageError, VERSION } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { startLocalSystem } from "./system.ts";

const say = (text: string) => process.stdout.write(`${text}\n`);

await runProcess(
  async (stack, { signal }) => {
    const { data, trainers, fixedPorts } = options();
    const system = stack.use(
      await startLocalSystem({
        directory: data,
        trainers,
        fixedPorts,
        onStatus: (program, status) => say(`${program.padEnd(12)} ${status}`),
      }),
    );
    say(`ratatouille ${VERSION} listens on ${system.address}; data in ${data}. Ctrl-C stops it.`);
    say(`For HTTP: ${system.webUrl}`);
    say(`Its models are an OCI registry, ${system.registry}.`);
    say(`Try: ratatouille recycle examples/tiny.yaml --server ${system.address}`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    say("stopping; what is unfinished goes on at the next start");
  },
  {
    service: "system",
    log: createLogger({ service: "system", level: "silent" }),
    onError: (error) => process.stderr.write(`system: ${error instanceof Error ? error.message : String(error)}\n`),
  },
);

function options(): { readonly data: string; readonly trainers: number; readonly fixedPorts: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: "string", default: ".ratatouille/system" },
        trainers: { type: "string", default: "2" },
        "free-ports": { type: "boolean", default: false },
      },
    });
    const trainers = Number(values.trainers);
    if (!Number.isInteger(trainers) || trainers < 0 || trainers > 64) throw new Error("--trainers must be a number from 0 to 64");
    return { data: values.data, trainers, fixedPorts: !values["free-ports"] };
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}
