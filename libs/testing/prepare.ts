// `npm test` does this first: programs of others that tests start are installed one after another, with nothing beside them. On a machine
// that has them it takes no time; on a new one some minutes, which no test should have to wait for.
import { execFileSync } from "node:child_process";
import { natsServerProgram, orasProgram } from "#libs/programs";
import { setupTensorflow } from "#libs/tensorflow";
import { collectorProgram } from "./collector.ts";

const programs = {
  "nats-server": () => natsServerProgram(),
  oras: () => orasProgram(),
  "OpenTelemetry collector": collectorProgram,
  TensorFlow: () => setupTensorflow("tensorflow"),
};
for (const [name, install] of Object.entries(programs)) {
  const started = performance.now();
  const waiting = setTimeout(() => process.stdout.write(`installing ${name}\n`), 1000);
  await install();
  clearTimeout(waiting);
  const seconds = Math.round((performance.now() - started) / 1000);
  if (seconds > 0) process.stdout.write(`installed ${name} (${seconds} s)\n`);
}

// Completion is tried in the shells that are there. In CI, where a machine is made for it, they are put there, if that can be done.
if (process.env["CI"] && process.getuid?.() === 0) {
  try {
    execFileSync("sh", ["-c", "command -v zsh && command -v fish || { apt-get update -q; apt-get install -y -q zsh fish; }"], {
      stdio: "ignore",
      timeout: 120_000,
    });
  } catch {
    process.stdout.write("zsh and fish cannot be installed here: their tests are skipped\n");
  }
}
