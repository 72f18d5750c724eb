import { type ParseArgsConfig, parseArgs } from "node:util";

/** The options and words of a command for developers; a sentence where they cannot be read. */
export function readArguments<const T extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    return (error as Error).message;
  }
}
