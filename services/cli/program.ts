import type { Command } from "commander";
import { baseProgram } from "./base-program.ts";
import { defineCompletion } from "./commands/completion/command.ts";
import { defineDoctor } from "./commands/doctor/command.ts";
import { defineEvents } from "./commands/events/command.ts";
import { defineGc } from "./commands/gc/command.ts";
import { defineJobs } from "./commands/jobs/command.ts";
import { defineLineage } from "./commands/lineage/command.ts";
import { defineModels } from "./commands/models/command.ts";
import { defineRecycle } from "./commands/recycle/command.ts";
import { defineReproduce } from "./commands/reproduce/command.ts";
import { defineRuns } from "./commands/runs/command.ts";
import { defineServe } from "./commands/serve/command.ts";
import { defineTrainer } from "./commands/trainer/command.ts";
import { defineUp } from "./commands/up/command.ts";
import type { CommandContext } from "./context.ts";
import { defineLightCommands } from "./light-program.ts";
import type { Finish } from "./options.ts";

/** The `ratatouille` command, in the order in which its help lists what is below it. */
export function createProgram(context: CommandContext, finish: Finish): Command {
  const program = baseProgram(context);
  defineRecycle(program, context, finish);
  defineLightCommands(program, context, finish);
  defineUp(program, context, finish);
  defineServe(program, context, finish);
  defineTrainer(program, context, finish);
  defineRuns(program, context, finish);
  defineJobs(program, context, finish);
  defineEvents(program, context, finish);
  defineModels(program, context, finish);
  defineLineage(program, context, finish);
  defineReproduce(program, context, finish);
  defineGc(program, context, finish);
  defineDoctor(program, context, finish);
  defineCompletion(program, context, finish);
  return program;
}
