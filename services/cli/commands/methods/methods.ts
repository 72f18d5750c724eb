// Not all of #libs/merging, which brings the engine along.
import { methodGroups, methodNamed, methods, namesOfMethods } from "#libs/merging/methods";
import { ExitCode, UsageError } from "#libs/service/process";
import { didYouMean } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { writeLines } from "../../render/line.ts";
import { widthOf } from "../../write-wrapped.ts";
import { describeMethod, listLines, methodLines } from "./method-lines.ts";
import type { MethodsOptions } from "./options.ts";

/** Shows all methods, or all about one. @returns the exit code. @throws UsageError if there is none of that name */
export function showMethods(name: string | undefined, { json }: MethodsOptions, { stdout }: Pick<CommandContext, "stdout">): number {
  const method = name === undefined ? undefined : methodNamed(name);
  if (name !== undefined && method === undefined) throw new UsageError(unknown(name));
  if (json) stdout.write(`${JSON.stringify(method ? describeMethod(method) : methods.map(describeMethod))}\n`);
  else writeLines(method ? methodLines(method, widthOf(stdout)) : listLines(methodGroups, widthOf(stdout)), stdout);
  return ExitCode.done;
}

function unknown(name: string): string {
  return `there is no method ${JSON.stringify(name)}; ${didYouMean(name, namesOfMethods(), "ratatouille methods lists all")}`;
}
