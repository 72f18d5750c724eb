import { engineNamed } from "#libs/engines";
import { bytes } from "#libs/text";
import type { Engine, Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import { ago, columns, oneLine } from "../format.ts";
import { factLines, type Stream, widthOf } from "../write-wrapped.ts";

const MIB = 2 ** 20;

/** What a trainer has for jobs: its memory, and that of its accelerator. */
export function trainerMemory({ memoryMib, accelerator }: Trainer): string {
  return bytes(memoryMib * MIB) + (accelerator ? ` + ${bytes(accelerator.memoryMib * MIB)}` : "");
}

/** What a trainer runs now, and whether it gets no more; or "". */
export function whatItRuns({ jobs, parked }: Trainer): string {
  return [...(parked === "" ? [] : ["parked"]), ...jobs.map(({ label, id }) => oneLine(label) || id)].join(", ");
}

/** A trainer for people: what it can run, what it runs on, and what it runs now. */
export function describeTrainer(trainer: Trainer, stream: Stream): string {
  const { id, name, device, accelerator, engines, kinds, environment, sinceMs, jobs, parked } = trainer;
  const facts: [string, string][] = [
    ["trainer", oneLine(name)],
    ["id", oneLine(id)],
    ["device", device],
    ["accelerator", accelerator ? `${oneLine(accelerator.model)}, ${bytes(accelerator.memoryMib * MIB)}` : ""],
    ["memory", bytes(trainer.memoryMib * MIB)],
    ["since", ago(sinceMs)],
    ["parked", parked === "" ? "" : `it gets no work: ${oneLine(parked)}`],
    ["recipes", kinds.join(", ")],
    ...engines.map((engine): [string, string] => [`engine ${engine.name}`, describeEngine(engine)]),
    ...Object.entries(environment)
      .sort()
      .map(([what, value]): [string, string] => [oneLine(what), oneLine(value)]),
  ];
  const rows = jobs.map(({ id: job, label, progress }) => [
    job,
    oneLine(label),
    progress && progress.steps > 0 ? `step ${progress.step} of ${progress.steps}` : "",
  ]);
  const running = rows.length > 0 ? columns(["job", "what", ""], rows, widthOf(stream)) : "It runs nothing now.\n";
  return `${factLines(stream, facts)}\n${running}`;
}

function describeEngine({ name, device, arithmetics, networks, builtInNetworks }: Engine): string {
  const builtIn = engineNamed(name)?.autoUpTo === undefined ? "all built-in networks" : "all built-in networks (auto: small ones)";
  const all = [...(builtInNetworks ? [builtIn] : []), ...networks];
  return `${device}; ${arithmetics.join(", ")}${all.length > 0 ? `; ${all.join(", ")}` : ""}`;
}
