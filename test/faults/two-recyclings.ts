import assert from "node:assert/strict";
import { createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { connect, type ServiceClient } from "#libs/rpc";
import { RecyclingService, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { importSource, readSource } from "../../services/cli/import-source.ts";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { nameOf } from "./holdings.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";
import { startServices } from "./services.ts";

/** Two recycling services, of which neither knows of the other, drive the same runs at the same time. */
export const twoRecyclings: Case = {
  name: "two-recyclings",
  subset: true,
  limitMs: 300_000,
  async run({ directory, signal, reference }) {
    const sandbox = await makeSandbox(directory);
    let said = "";
    {
      await using bus = await openLocalBus({ path: ":memory:" });
      await using services = await startServices({ sandbox, bus });
      for (let run = 1; run <= 2; run++) {
        const { spec, dataPath } = await runFileOf(run);
        using channel = connect(services.address);
        spec.target.source = await importSource(await readSource(dataPath), createArtifacts(channel), signal);
        using other = connect(services.second);
        const [recycled] = await Promise.all([
          recycle(services.address, await runFileOf(run), { signal }),
          drive(other.client(RecyclingService), spec, signal),
        ]);
        const { jobs, attempts } = await checkRunning({ address: services.address, data: sandbox.data }, run, recycled, reference());
        assert.equal(attempts, jobs);
        said = `${run} runs, each by both, ${attempts} attempts for ${jobs} jobs`;
      }
    }
    await checkStopped(sandbox);
    return said;
  },
};

/** Starts a run and waits until it has succeeded. */
async function drive(
  recycling: ServiceClient<typeof RecyclingService>,
  spec: Awaited<ReturnType<typeof runFileOf>>["spec"],
  signal: AbortSignal,
): Promise<void> {
  const { run } = await recycling.startRun({ spec }, { signal });
  let state: RunState | undefined;
  for await (const { run: seen } of recycling.watchRun({ id: run?.id ?? "" }, { signal, timeoutMs: 0 })) state = seen?.state;
  assert.equal(nameOf(RunState, state ?? 0), "SUCCEEDED");
}
