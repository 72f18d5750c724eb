// Tries to open engines, one after another, and writes what each says.
import { EngineMissingError, openEngine } from "../engines/open-engine.ts";

for (const name of process.argv.slice(2)) {
  const said = await openEngine(name as "tfjs-node").then(
    ({ version, device }) => `${version} on ${device}`,
    (error: Error) => `${error instanceof EngineMissingError ? "missing" : error.name}: ${error.message}`,
  );
  process.stdout.write(`${said}\n`);
}
