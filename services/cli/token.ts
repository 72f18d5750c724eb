import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "#libs/service/process";
import { fileProblem } from "./file-problem.ts";

/**
 * Makes the option `token` of a command that is about to run what `--token-file` holds, if that is given; it wins over RATATOUILLE_TOKEN.
 * @throws UsageError, which does not repeat the token.
 */
export function takeToken(command: Command): void {
  const file: unknown = command.getOptionValue("tokenFile");
  if (typeof file === "string") {
    if (command.getOptionValueSource("token") === "cli") throw new UsageError("--token and --token-file exclude each other");
    command.setOptionValue("token", readToken(file));
  }
  const token: unknown = command.getOptionValue("token");
  // A variable that is empty counts as not set.
  if (token === "" && command.getOptionValueSource("token") === "env") command.setOptionValue("token", undefined);
  else check(token, file);
}

function check(token: unknown, file: unknown): void {
  if (typeof token === "string" && !/^[\x21-\x7e]+$/.test(token)) {
    const where = typeof file === "string" ? `in ${file}` : "of --token or RATATOUILLE_TOKEN";
    throw new UsageError(`the token ${where} must be printable ASCII without spaces, and not empty`);
  }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new UsageError(`cannot read the token file ${file}: ${fileProblem(cause)}`, { cause });
  }
}
