import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { asTest, readExamples } from "./read-examples.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
// In the package, so that examples import libraries as all code does; a folder that is not committed.
const folder = join(root, "out", `examples-${process.pid}`);
after(() => rm(folder, { recursive: true, force: true }));

const libraries = readdirSync(join(root, "libs")).map((name) => {
  const paths = readdirSync(join(root, "libs", name), { recursive: true, encoding: "utf8" });
  const sources = paths.filter((path) => path.endsWith(".ts") && !/\.test\.ts$|\.d\.ts$|assembly/.test(path)).sort();
  const examples = sources.flatMap((path) =>
    readExamples(readFileSync(join(root, "libs", name, path), "utf8")).map((example) => ({ ...example, path })),
  );
  return { name, examples };
});

for (const { name, examples } of libraries) {
  test(`libs/${name} shows how it is used`, () => {
    assert.ok(examples.length > 0, "no public function has an @example");
  });
  for (const [i, example] of examples.entries()) {
    test(`libs/${name}: the example of ${example.of} does what it says`, async () => {
      assert.match(asTest(example.code), /^\s*assert\.deepEqual/m, "it states no value");
      const path = join(folder, `${name}-${i}.ts`);
      await mkdir(folder, { recursive: true });
      const library = (await import(`#libs/${name}`)) as object;
      const [source, names] =
        example.of in library ? [`#libs/${name}`, Object.keys(library)] : [`../../libs/${name}/${example.path}`, [example.of]];
      await writeFile(path, moduleOf(source, names, example.code));
      const { run } = (await import(pathToFileURL(path).href)) as { run: (check: typeof assert) => Promise<void> };
      await run(assert);
    });
  }
}

/** A module of one example: it has what its library exports without importing it, and whatever it imports itself. */
function moduleOf(source: string, names: readonly string[], code: string): string {
  const imports: readonly string[] = code.match(/^import .*$/gm) ?? [];
  const rest = code.replace(/^import .*$/gm, "");
  const used = names.filter(
    (name) => new RegExp(`\\b${name}\\b`).test(rest) && !imports.some((line) => new RegExp(`\\b${name}\\b`).test(line)),
  );
  const own = used.length > 0 ? [`import { ${used.join(", ")} } from "${source}";`] : [];
  return `${[...own, ...imports].join("\n")}\nexport async function run(assert: any): Promise<void> {\n${asTest(rest)}\n}\n`;
}

test("a value that an example states is held against what comes out, and other comments are not", async () => {
  const [example] = readExamples(
    "/**\n * Adds.\n * @example\n * ```ts\n * add(1, 2); // 3\n * add(1, 2); // three\n * ```\n * @throws nothing\n */\nexport function add() {}\n",
  );
  assert.deepEqual(example, { of: "add", code: "add(1, 2); // 3\nadd(1, 2); // three" });
  assert.equal(asTest(example!.code), "assert.deepEqual(add(1, 2), 3);\nassert.deepEqual(add(1, 2), three);");
  assert.equal(asTest("formatOf(1); // 2"), "assert.deepEqual(formatOf(1), 2);");
  for (const line of ["add(1, 2); // three of them", "const sum = add(1, 2); // 3", "// 3"]) assert.equal(asTest(line), line);
});
