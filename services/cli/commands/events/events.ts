import { toJson } from "@bufbuild/protobuf";
import { EventSchema, SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { eventLine } from "../../render/event.ts";
import { writeWrapped } from "../../write-wrapped.ts";

export type EventsOptions = GlobalOptions & {
  /** Go on with what happens from now on, until interrupted. */
  readonly follow?: boolean;
  /** Begin so long ago, in milliseconds. */
  readonly since?: number;
};

const LAST_HOUR_MS = 3_600_000;

/** `ratatouille events`: what has happened lately, or what happens, one line each. */
export async function showEvents(options: EventsOptions, context: CommandContext): Promise<number> {
  const { signal, stdout } = context;
  const system = (await useTarget(context, options, "look")).channel.client(SystemService);
  const backMs = options.since ?? (options.follow ? 0 : LAST_HOUR_MS);
  const sinceMs = backMs > 0 ? BigInt(Date.now() - backMs) : 0n;
  let count = 0;
  for await (const { event, current } of system.watchEvents({ sinceMs }, { signal, timeoutMs: 0 })) {
    if (event) {
      count += 1;
      if (options.json) stdout.write(`${JSON.stringify(toJson(EventSchema, event))}\n`);
      else writeWrapped(stdout, `${eventLine(event)}\n`, 21);
    }
    if (current && !options.follow) break;
  }
  if (count === 0 && !options.json && !options.follow)
    writeWrapped(stdout, "Nothing has happened in that time; --since goes back further.\n");
  return 0;
}
