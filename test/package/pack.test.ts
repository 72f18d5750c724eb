import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { packageManifest } from "../../clients/typescript/pack/manifest.ts";
import { filesReached } from "../../clients/typescript/pack/reached.ts";
import { referencesOf, rewriteReferences } from "../../clients/typescript/pack/references.ts";

const source = `import { type A, a } from "#libs/a";
export {
  b,
} from "./b.ts";
import "node:fs";
const c = await import("#proto/c_pb.ts");
const d = new URL("d.wasm", import.meta.url);
const e = await import(\`./\${name}.ts\`);
const f = new URL("https://example.org");
// from "./g.ts"
 * import { h } from "#libs/h";
`;

test("references are found in each of their forms, and not in comments", () => {
  assert.deepEqual(
    referencesOf(source).map(({ kind, text }) => `${kind} ${text}`),
    ["module #libs/a", "module ./b.ts", "module node:fs", "module #proto/c_pb.ts", "file d.wasm", "folder ./"],
  );
  const rewritten = rewriteReferences(source, ({ text }) => `<${text}>`);
  assert.deepEqual(
    rewritten.split("\n").map((line, i) => line === source.split("\n")[i]),
    [false, true, true, false, false, false, false, true, true, true, true, true],
  );
  assert.match(rewritten, /from "<#libs\/a>";[\s\S]*\} from "<\.\/b\.ts>"[\s\S]*new URL\("<d\.wasm>", import/);
});

test("what the package needs is found behind imports, URLs and names that are made up when it runs", () => {
  const files = [...filesReached(join(import.meta.dirname, "../.."), ["libs/merging/index.ts"]).keys()];
  for (const path of [
    "libs/kernels/kernels.wasm",
    "libs/merging/engine/merge-thread.ts",
    "libs/merging/methods/ties.ts",
    "libs/threads/worker.ts",
  ])
    assert.ok(files.includes(path), path);
  assert.deepEqual(
    files.filter((path) => /\.test\.ts$|\/testing\/|^services|rpc/.test(path)),
    [],
  );
});

test("the manifest has the dependencies that are loaded, with their versions, and optional ones as peers", () => {
  const repository = {
    ...{ name: "a", version: "1.0.0", description: "A", license: "MIT", engines: { node: ">=24" } },
    exports: { ".": "./a.ts", "./b": "./b/b.ts" },
    dependencies: { loaded: "1.2.3", "@scope/part": "2.0.0", named: "3.0.0", required: "5.0.0" },
    devDependencies: { peer: "4.0.0", tool: "6.0.0" },
  };
  const sources = [
    'import "loaded";',
    'import { x } from "@scope/part/x";',
    'const named = "named";',
    'require("required"); import("peer");',
  ];
  const { exports, dependencies, peerDependencies, peerDependenciesMeta } = packageManifest(repository, sources, ["peer"]);
  assert.deepEqual((exports as { readonly [place: string]: unknown })["./b"], { types: "./b/b.d.ts", default: "./b/b.js" });
  assert.deepEqual(dependencies, { loaded: "1.2.3", "@scope/part": "2.0.0", required: "5.0.0" });
  assert.deepEqual([peerDependencies, peerDependenciesMeta], [{ peer: "^4.0.0" }, { peer: { optional: true } }]);
});
