import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import { configured } from "../configured.ts";
import { programs, serveService } from "./serve.ts";

/** `ratatouille serve <service>` */
export function defineServe(program: Command, context: CommandContext, finish: Finish): void {
  const serve = addCommand(
    program,
    "serve",
    `One service in a process of its own, until it is asked to stop: ${Object.keys(programs).join(", ")}.

Every flag can be set by a variable too, as --print-config says.`,
    `  ratatouille serve catalog --data /var/lib/ratatouille --nats nats:4222
  ratatouille serve gateway --print-config`,
  );
  for (const [name, { summary, settings }] of Object.entries(programs)) {
    const command = addCommand(serve, name, summary, `  ratatouille serve ${name} --print-config`);
    configured(command, settings).action(runs(finish, (options) => serveService(name, options, context)));
  }
}
