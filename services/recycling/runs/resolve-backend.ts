import { setTimeout as sleep } from "node:timers/promises";
import { arithmetics } from "#libs/recipes";
import { allPages, failedPrecondition } from "#libs/rpc";
import type { Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Executors } from "../drive/executors.ts";
import { AUTO, type Choice, chooseEngine, isForeign } from "../plan/choose-engine.ts";

/** Between two looks for a trainer. */
const LOOK_MS = 200;

/**
 * The specification with what its trainers have in the place of what it leaves to them: an engine for `auto`, the arithmetic of a network or an
 * engine that only they know, and the device. They are waited for where only they can say it, since a system may just begin.
 * @param options.begun the specification that the run began with. Its engine and its arithmetic stay while a trainer has them, and where after
 * `waitMs` none has any.
 * @throws RpcError FAILED_PRECONDITION (NO_ENGINE) if after `waitMs` none has an engine for the network; (ARITHMETIC_AMBIGUOUS)
 */
export async function resolveBackend(
  spec: RunSpec,
  { finetune }: Pick<Executors, "finetune">,
  { waitMs, begun, signal }: { readonly waitMs: number; readonly begun?: RunSpec | undefined; readonly signal?: AbortSignal },
): Promise<RunSpec> {
  const { study } = spec;
  if (!study) return spec.backend === AUTO ? resolved(spec, chooseEngine(spec, [])) : spec;
  const waits = spec.backend === AUTO || isForeign(spec);
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const trainers = await listTrainers(finetune, signal);
    const choice = chooseEngine(spec, trainers, begun);
    if (choice.state === "chosen") return resolved(spec, choice);
    if (choice.state === "ambiguous" && waits) throw failedPrecondition(choice.why, { reason: "ARITHMETIC_AMBIGUOUS" });
    // A network and engines that are known: whoever comes later runs its jobs.
    if (!waits) return begun ?? spec;
    if (performance.now() > giveUpAt) {
      if (begun !== undefined) return begun;
      const what = spec.backend === AUTO ? "backend auto: " : "";
      throw failedPrecondition(`${what}${choice.state === "lacking" ? choice.lack : ""}`, { reason: "NO_ENGINE" });
    }
    await sleep(LOOK_MS, undefined, signal ? { signal } : {});
  }
}

/** What is as it would be anyway is not said, so that specifications of earlier versions stay as they are. */
function resolved(spec: RunSpec, choice: Choice): RunSpec {
  if (choice.state !== "chosen") return spec;
  const { backend, device, arithmetic } = choice;
  const { study } = spec;
  return {
    ...spec,
    backend,
    device: device === "cpu" ? "" : device,
    ...(study ? { study: { ...study, arithmetic: arithmetic === arithmetics.training ? "" : arithmetic } } : {}),
  };
}

async function listTrainers(finetune: Executors["finetune"], signal: AbortSignal | undefined): Promise<Trainer[]> {
  const trainers: Trainer[] = [];
  const list = (pageToken: string) => finetune.listTrainers({ pageSize: 500, pageToken }, signal ? { signal } : {});
  for await (const page of allPages(list)) trainers.push(...page.trainers);
  return trainers;
}
