import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Ajv } from "ajv";
import { default as AjvDraft04 } from "ajv-draft-04";
import { default as addFormats } from "ajv-formats";
import { cycloneDx, provJson } from "./index.ts";
import { averageOf, drawnDataset, nodesOf } from "./testing/nodes.ts";

const nodes = nodesOf([...averageOf(3), drawnDataset()]);
/** JSON as others read it. */
const written = (value: unknown) => JSON.parse(JSON.stringify(value));

test("a lineage is a CycloneDX document by its published schema, with all parents in the pedigree", async () => {
  const schemas = createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json");
  const read = async (name: string) =>
    JSON.parse(await readFile(new URL(`res/schema/${name}.SNAPSHOT.schema.json`, `file://${schemas}`), "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { "iri-reference": true, "idn-email": true } });
  addFormats.default(ajv);
  ajv.addSchema(await read("spdx"), "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json");
  ajv.addSchema(await read("jsf-0.82"), "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json");
  const validate = ajv.compile(await read("bom-1.6"));

  const bom = written(cycloneDx(nodes));
  const isValid = (value: unknown): boolean => validate(value);
  assert.ok(isValid(bom), JSON.stringify(validate.errors?.slice(0, 5)));
  const { component } = bom.metadata;
  const parents = nodes.slice(1, 4).map(({ digest }) => digest);
  assert.deepEqual(
    component.pedigree.ancestors.map((ancestor: { version: string }) => ancestor.version),
    parents,
  );
  assert.deepEqual(bom.dependencies[0], { ref: nodes[0].digest, dependsOn: parents });
  assert.deepEqual(
    [component.name, component.licenses, component.modelCard.modelParameters],
    ["birds:1.0", [{ expression: "Apache-2.0 AND LicenseRef-own" }], { modelArchitecture: "resnet50" }],
  );
  assert.equal(bom.components[3].type, "data");
  // The schema bites.
  assert.equal(isValid({ ...bom, components: [{ ...bom.components[0], type: "model" }] }), false);
});

test("a lineage is a PROV-JSON document by the schema of its W3C submission", async () => {
  const schema = JSON.parse(await readFile(new URL("testing/prov-json.schema.json", import.meta.url), "utf8"));
  const ajv = new AjvDraft04.default({ strict: false, allErrors: true });
  addFormats.default(ajv as never);
  const validate = ajv.compile(schema);
  const document = written(provJson(nodes));
  const isValid = (value: unknown): boolean => validate(value);
  assert.ok(isValid(document), JSON.stringify(validate.errors?.slice(0, 5)));
  const average = `artifact:${nodes[0].digest.slice(7)}`;
  const derived = Object.values(document.wasDerivedFrom as Record<string, Record<string, string>>);
  assert.deepEqual(
    derived.map((relation) => [relation["prov:generatedEntity"], relation["prov:usedEntity"]]),
    nodes[0].inputs.map(({ digest }) => [average, `artifact:${digest.slice(7)}`]),
  );
  assert.equal(document.entity[average]["prov:label"], "birds:1.0");
  assert.equal(isValid({ ...document, used: { "_:u1": average } }), false);
});
