import { setTimeout as sleep } from "node:timers/promises";
import { allPages, failedPrecondition } from "#libs/rpc";
import type { Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Executors } from "../drive/executors.ts";
import { AUTO, chooseEngine, enginesFor } from "../plan/choose-engine.ts";

/** Between two looks for a trainer. */
const LOOK_MS = 200;

/**
 * The specification with an engine in the place of `auto`. Trainers of a system that begins are waited for.
 * @param options.chosen the engine that the run began with. It stays while a trainer has it, and where after `waitMs` none has any.
 * @throws RpcError FAILED_PRECONDITION (NO_ENGINE) if after `waitMs` none has an engine for the network.
 */
export async function resolveBackend(
  spec: RunSpec,
  { finetune }: Pick<Executors, "finetune">,
  { waitMs, chosen, signal }: { readonly waitMs: number; readonly chosen?: string | undefined; readonly signal?: AbortSignal },
): Promise<RunSpec> {
  if (spec.backend !== AUTO) return spec;
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const trainers = spec.study ? await listTrainers(finetune, signal) : [];
    const backend = chooseEngine(spec, trainers, chosen);
    if (backend !== undefined) return { ...spec, backend };
    if (performance.now() > giveUpAt) {
      if (chosen !== undefined) return { ...spec, backend: chosen };
      throw failedPrecondition(`backend auto: ${lackOf(spec, trainers)}`, { reason: "NO_ENGINE" });
    }
    await sleep(LOOK_MS, undefined, signal ? { signal } : {});
  }
}

/** What no trainer has, and what would help. */
function lackOf({ study }: RunSpec, trainers: readonly Trainer[]): string {
  const network = study?.network?.name ?? "";
  const [slow] = study ? enginesFor(study, trainers) : [];
  if (slow)
    return `no trainer has an engine that is fast enough for the network ${network}; ratatouille setup tensorflow installs one where a trainer runs, and backend: ${slow.name} does without it`;
  const who = trainers.length === 0 ? "no trainer is there" : `no trainer has an engine for the network ${network}`;
  return `${who}; ratatouille trainers list says who is there, ratatouille doctor which engines`;
}

async function listTrainers(finetune: Executors["finetune"], signal: AbortSignal | undefined): Promise<Trainer[]> {
  const trainers: Trainer[] = [];
  const list = (pageToken: string) => finetune.listTrainers({ pageSize: 500, pageToken }, signal ? { signal } : {});
  for await (const page of allPages(list)) trainers.push(...page.trainers);
  return trainers;
}
