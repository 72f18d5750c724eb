// Tries to open engines, one after another, and writes what each says.
import { openEngine } from "../engines/open-engine.ts";

for (const name of process.argv.slice(2)) {
  const said = await openEngine(name as "tfjs-node").then(
    ({ version, device }) => `${version} on ${device}`,
    (error: Error) => `${error.name}: ${error.message}`,
  );
  process.stdout.write(`${said}\n`);
}
