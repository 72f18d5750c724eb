import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory } from "#libs/testing";

const root = fileURLToPath(new URL("../..", import.meta.url));

type Case = readonly [path: string, code: string, rule?: string];

const imports = "plugin";

// One file per case: with a rule, biome must report exactly this rule in it; without one, nothing.
const cases: readonly Case[] = [
  ["libs/bus/grpc.ts", 'import { Server } from "@grpc/grpc-js";', imports],
  ["services/catalog/grpc.ts", 'import { Server } from "@grpc/grpc-js";', imports],
  ["test/e2e/grpc.ts", 'import { Server } from "@grpc/grpc-js";', imports],
  ["libs/bus/late-grpc.ts", 'export const late = () => import("@grpc/grpc-js");', imports],
  ["libs/bus/again-grpc.ts", 'export { Server } from "@grpc/grpc-js";', imports],
  ["libs/rpc/grpc.ts", 'import { Server } from "@grpc/grpc-js";'],
  ["libs/rpc/nats.ts", 'import { connect } from "@nats-io/transport-node";', imports],
  ["services/trainer/nats.ts", 'import { connect } from "@nats-io/transport-node";', imports],
  ["libs/bus/nats.ts", 'import { connect } from "@nats-io/transport-node";'],
  ["libs/tensors/tfjs.ts", 'import { tidy } from "@tensorflow/tfjs-core";', imports],
  ["services/trainer/tfjs.ts", 'import { tidy } from "@tensorflow/tfjs-core";', imports],
  ["libs/learning/tfjs.ts", 'import { tidy } from "@tensorflow/tfjs-core";'],
  ["libs/image-sets/sharp.ts", 'import sharp from "sharp";', imports],
  ["services/trainer/late-sharp.ts", 'export const late = () => import("sharp");', imports],
  ["libs/images/sharp.ts", 'import sharp from "sharp";'],
  ["libs/bus/sqlite.ts", 'import { DatabaseSync } from "node:sqlite";', imports],
  ["services/catalog/sqlite.ts", 'import { DatabaseSync } from "node:sqlite";', imports],
  ["libs/storage/sqlite.ts", 'import { DatabaseSync } from "node:sqlite";'],
  ["services/catalog/kysely.ts", 'import type { Transaction } from "kysely";'],
  ["services/trainer/other.ts", 'import { createCatalog } from "../catalog/index.ts";', imports],
  ["services/catalog/deep/other.ts", 'import { open } from "../../finetune/store.ts";', imports],
  ["services/averaging/other.ts", 'import { createSessions } from "../sessions/index.ts";', imports],
  ["services/trainer/own.ts", 'import { own } from "./work/own.ts";'],
  ["services/cli/system/embedded.ts", 'import { createCatalog } from "../../catalog/index.ts";'],
  ["services/cli/commands/serve/serve.ts", 'import { settings } from "../../catalog/settings.ts";'],
  ["services/trainer/settings-of-others.ts", 'import { settings } from "../catalog/settings.ts";', imports],
  ["services/gateway/deep.ts", 'import { createCatalog } from "../catalog/index.ts";', imports],
  ["deploy/local/imports.ts", 'import { createCatalog } from "../../services/catalog/index.ts";', imports],
  ["deploy/local/grpc.ts", 'import { Server } from "@grpc/grpc-js";', imports],
  ["deploy/local/libs.ts", 'import { supervise } from "#libs/service";'],
  ["libs/programs/upwards.ts", 'import { start } from "../../services/cli/index.ts";', imports],
  ["services/cli/system/deep.ts", 'import { openStore } from "../../catalog/store.ts";', imports],
  ["services/evaluation/with-catalog.test.ts", 'import { createCatalog } from "../catalog/index.ts";'],
  ["services/evaluation/deep.test.ts", 'import { openStore } from "../catalog/store.ts";', imports],
  ["libs/runfile/upwards.ts", 'import { createCatalog } from "../../services/catalog/index.ts";', imports],
  ["libs/rpc/upwards.ts", 'import { createCatalog } from "../../services/catalog/index.ts";', imports],
  ...["files", "rpc", "bus", "storage", "telemetry"].flatMap((name): Case[] => [
    [`libs/${name}/models.ts`, 'import { recipeKey } from "#libs/recipes";', imports],
    [`libs/${name}/relative.ts`, 'import { recipeKey } from "../learning/index.ts";', imports],
    [`libs/${name}/beside.ts`, 'import { inSpan } from "#libs/telemetry";'],
  ]),
  ["libs/learning/down.ts", 'import { sub } from "#libs/datasets";'],
  ...["exp", "sin", "cos", "tan", "pow", "log", "log1p", "atan2", "tanh", "cbrt", "hypot", "random"].map(
    (name): Case => [`libs/learning/math-${name}.ts`, `use(Math.${name}(x));`, "plugin"],
  ),
  ...["libs/datasets", "libs/recipes", "libs/tensors", "libs/deterministic"].map(
    (folder): Case => [`${folder}/engine.ts`, "use(Math.exp(x));", "plugin"],
  ),
  ...["trainer", "averaging", "sessions", "evaluation", "recycling"].map(
    (name): Case => [`services/${name}/engine.ts`, "use(Math.log(x));", "plugin"],
  ),
  ["libs/learning/power.ts", "use(x ** 2);", "plugin"],
  ["libs/reporting/power.ts", "use((x - y) ** 2);", "plugin"],
  ["libs/reporting/html/power.ts", "use(10 ** Math.floor(Math.log10(x)));"],
  ["services/averaging/power.ts", "use(x ** 0.5);", "plugin"],
  ["libs/learning/power-assign.ts", "let y = x;\ny **= x;\nuse(y);", "plugin"],
  ["libs/learning/reference.ts", "use([x].map(Math.sin));", "plugin"],
  ["libs/learning/destructured.ts", "const { sin } = Math;\nuse(sin(x));", "plugin"],
  ["libs/learning/alias.ts", "const engine = Math;\nuse(engine.sin(x));", "plugin"],
  ["libs/learning/global.ts", "use(globalThis.Math.sin(x));", "plugin"],
  ["libs/learning/indexed.ts", "use(Math[name](x));", "plugin"],
  ["libs/learning/exact.ts", "use(Math.sqrt(x) + Math.floor(x) + Math.abs(x) + Math.imul(x, x) + Math.fround(x) + Math.max(x, 2 ** x));"],
  ["libs/learning/engine.test.ts", "use(Math.exp(x) ** x);"],
  ["services/cli/chart.ts", "use(Math.log(x));"],
  ["libs/rpc/console.ts", 'console.log("here");', "lint/suspicious/noConsole"],
  ["libs/rpc/default.ts", "export default 1;", "lint/style/noDefaultExport"],
  ["libs/rpc/protocol.ts", 'import { readFile } from "fs";', "lint/style/useNodejsImportProtocol"],
  ["libs/rpc/floating.ts", "async function work(): Promise<void> {}\nwork();", "lint/nursery/noFloatingPromises"],
  ["libs/rpc/cycle-a.ts", 'import { b } from "./cycle-b.ts";\nexport const a = b;', "lint/suspicious/noImportCycles"],
  ["libs/rpc/cycle-b.ts", 'import { a } from "./cycle-a.ts";\nexport const b = a;', "lint/suspicious/noImportCycles"],
  ["libs/rpc/type-a.ts", 'import { b } from "./type-b.ts";\nexport type A = typeof b;', "lint/suspicious/noImportCycles"],
  ["libs/rpc/type-b.ts", 'import type { A } from "./type-a.ts";\nexport const b = (a: A) => a;', "lint/suspicious/noImportCycles"],
  ["libs/rpc/late-a.ts", 'export const a = async () => (await import("./late-b.ts")).b;', "lint/suspicious/noImportCycles"],
  ["libs/rpc/late-b.ts", 'import { a } from "./late-a.ts";\nexport const b = a;', "lint/suspicious/noImportCycles"],
];

const found = new Map<string, Set<string>>();

before(async () => {
  await using directory = await temporaryDirectory();
  await cp(`${root}/biome.json`, directory.join("biome.json"));
  for (const rules of ["libs/deterministic/engine-math.grit", "test/lint/imports"]) {
    await cp(`${root}/${rules}`, directory.join(rules), { recursive: true });
  }
  await symlink(`${root}/node_modules`, directory.join("node_modules"));
  for (const [path, code] of cases) {
    await mkdir(dirname(directory.join(path)), { recursive: true });
    await writeFile(directory.join(path), `${code}\n`);
  }
  const only = ["plugin", ...cases.map(([, , rule]) => rule ?? "plugin")].filter((rule, i, all) => all.indexOf(rule) === i);
  const report = await biome(directory.path, [
    "lint",
    "--reporter=json",
    "--max-diagnostics=none",
    ...only.map((rule) => `--only=${rule.replace("lint/", "")}`),
  ]);
  for (const { category, location } of report.diagnostics) {
    const path = typeof location.path === "string" ? location.path : location.path.file;
    const rules = found.get(path) ?? new Set();
    found.set(path, rules.add(category));
  }
});

for (const [path, code, rule] of cases) {
  test(`${path}: ${code.split("\n")[0]} ${rule ? `breaks ${rule}` : "is fine"}`, () => {
    assert.deepEqual([...(found.get(path) ?? [])], rule ? [rule] : []);
  });
}

type Report = {
  readonly diagnostics: readonly { readonly category: string; readonly location: { readonly path: string | { readonly file: string } } }[];
};

/** Biome exits with an error when it finds something, which here is the point. */
async function biome(cwd: string, args: readonly string[]): Promise<Report> {
  const run = promisify(execFile)(`${root}/node_modules/.bin/biome`, args, { cwd, maxBuffer: 64 << 20 });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as Report;
}
