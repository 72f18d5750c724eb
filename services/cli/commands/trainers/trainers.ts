import { toJson } from "@bufbuild/protobuf";
import { allPages, unavailable } from "#libs/rpc";
import { FinetuneService, type Trainer, TrainerSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { ago, columns } from "../../format.ts";
import { describeTrainer, trainerMemory, whatItRuns } from "../../render/trainer.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";

/** `ratatouille trainers list`: trainers that are there, and what each runs. */
export async function listTrainers(options: GlobalOptions, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const { signal, stdout } = context;
  const finetune = channel.client(FinetuneService);
  const trainers: Trainer[] = [];
  for await (const page of allPages((pageToken) => finetune.listTrainers({ pageSize: 500, pageToken }, { signal })))
    trainers.push(...page.trainers);
  if (options.json) stdout.write(`${JSON.stringify(trainers.map((trainer) => toJson(TrainerSchema, trainer)))}\n`);
  else if (trainers.length > 0)
    stdout.write(columns(["trainer", "device", "engines", "memory", "since", "runs"], trainers.map(row), widthOf(stdout)));
  else
    writeWrapped(
      stdout,
      "No trainers are there. A system that is started has some; another one joins with: ratatouille trainer --server HOST:PORT\n",
    );
  return 0;
}

function row(trainer: Trainer): string[] {
  const { name, device, engines, sinceMs } = trainer;
  return [name, device, engines.map((engine) => engine.name).join(" "), trainerMemory(trainer), ago(sinceMs), whatItRuns(trainer)];
}

/** `ratatouille trainers show NAME`: one trainer, by its name or id. */
export async function showTrainer(name: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const { signal, stdout } = context;
  const { trainer } = await channel.client(FinetuneService).getTrainer({ name }, { signal });
  if (!trainer) throw unavailable("the server answered without a trainer");
  if (options.json) stdout.write(`${JSON.stringify(toJson(TrainerSchema, trainer))}\n`);
  else stdout.write(describeTrainer(trainer, stdout));
  return 0;
}
