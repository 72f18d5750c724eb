import { fileURLToPath } from "node:url";
import { spawnScript } from "#libs/service";
import { type TestProcess, watchedProcess } from "#libs/testing";

const program = fileURLToPath(new URL("service-child.ts", import.meta.url));

/** A process of the service that has loaded its modules and waits to be told to go on. */
export type Service = AsyncDisposable & {
  /** Opens the files and serves; the address. Fails if the process ends before. */
  serve(): Promise<string>;
  /** Opens the files, without waiting for it. */
  begin(): Promise<void>;
  readonly process: TestProcess;
};

/** Starts the service of sessions on some files, with a catalog elsewhere. */
export function startService(directory: string, catalog: string): Service {
  const child = spawnScript(program, [directory, catalog, "wait"], { stdio: ["pipe", "pipe", "pipe"] });
  const process = watchedProcess(child, "the service of sessions");
  // Told to go on when it had been killed.
  child.stdin?.on("error", () => undefined);
  const begin = async () => {
    await process.line("loaded", 60_000);
    child.stdin?.write("go on\n");
  };
  return {
    process,
    begin,
    async serve() {
      await begin();
      return (await process.line("ready")).split(" ")[1] ?? "";
    },
    [Symbol.asyncDispose]: () => process.kill(),
  };
}
