import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");
/** What takes a tenth of a second to load, and has nothing to do with files of weights. */
const HEAVY = /^(@grpc|@stdlib|@opentelemetry|@tensorflow|@nats-io|@bufbuild|pino|kysely|yaml)(\/|$)/;

/** Modules that are loaded with a module: those that it imports or gives on, but for types alone and what it imports when it is needed. */
async function staticImports(path: string): Promise<string[]> {
  const source = await readFile(path, "utf8");
  const statements = source.matchAll(/^(?:import|export)(?!\s+type\s)\s+(?:[^;"'()]*?\sfrom\s+)?"([^"]+)";/gm);
  return [...statements].map(([, name = ""]) => name);
}

function resolved(name: string, from: string): string | undefined {
  if (name.startsWith(".")) return join(dirname(from), name);
  if (name.startsWith("#libs/")) return join(root, "libs", name.slice("#libs/".length), "index.ts");
  return name.startsWith("#proto/") ? join(root, "proto/gen", name.slice("#proto/".length)) : undefined;
}

/** Every package that is loaded with a module, and by which chain of files; and these files. */
async function loadedWith(entry: string): Promise<{ packages: Map<string, string[]>; files: Set<string> }> {
  const packages = new Map<string, string[]>();
  const seen = new Set<string>();
  const visit = async (path: string, chain: readonly string[]): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const name of await staticImports(path)) {
      const file = resolved(name, path);
      if (file === undefined) packages.set(name, [...chain, path]);
      else if (file.endsWith(".ts")) await visit(file, [...chain, path]);
    }
  };
  await visit(join(root, entry), []);
  assert.ok(seen.size > 1, entry);
  return { packages, files: seen };
}

for (const entry of [
  "services/cli/main.ts",
  ...["average", "merge", "check", "methods", "setup"].map((name) => `services/cli/commands/${name}/command.ts`),
  "services/cli/commands/completion/names-command.ts",
  "services/cli/commands/average/average.ts",
  "services/cli/commands/average/update.ts",
  "services/cli/commands/check/check.ts",
  "libs/merging/engine/merge-thread.ts",
]) {
  test(`${entry} starts without gRPC, telemetry, tfjs and functions that it may not call`, async () => {
    const heavy = [...(await loadedWith(entry)).packages].filter(([name]) => HEAVY.test(name));
    assert.deepEqual(heavy, []);
  });
}

test("a thread of a merge loads the methods that it is told, and no others", async () => {
  const { files } = await loadedWith("libs/merging/engine/merge-thread.ts");
  const methods = join(root, "libs/merging/methods");
  assert.deepEqual(
    [...files].filter((file) => file.startsWith(methods)),
    [join(methods, "load-methods.ts")],
  );
});

test("a command that talks to a server loads no service", async () => {
  for (const name of ["recycle/recycle", "runs/runs", "jobs/jobs", "models/models", "gc/collect-garbage", "events/events"]) {
    const { files } = await loadedWith(`services/cli/commands/${name}.ts`);
    const services = [...files].filter((file) => file.startsWith(join(root, "services")) && !file.startsWith(join(root, "services/cli")));
    assert.deepEqual(services, [], name);
  }
});

test("the walk finds what is there", async () => {
  const { packages } = await loadedWith("services/cli/commands/recycle/recycle.ts");
  for (const name of ["@grpc/grpc-js", "@opentelemetry/api", "pino"]) assert.ok(packages.has(name), name);
});
