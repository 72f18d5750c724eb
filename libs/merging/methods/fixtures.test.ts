import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { bytesSource, openSafetensors, type SafetensorsFile, widen } from "#libs/tensors";
import { methodNamed, runMethodInMemory, type TensorInMemory } from "./index.ts";

/** Configurations, inputs and outputs of mergekit 0.1.5: see generate.py beside them. */
const folder = new URL("../../../test/fixtures/mergekit/", import.meta.url);

type Values = { [name: string]: number | boolean };
type Config = {
  merge_method: string;
  models: { model: string; parameters?: Values }[];
  base_model?: string;
  parameters?: Values;
  dtype: string;
  out_dtype?: string;
};

const cases = readdirSync(new URL("cases/", folder)).filter((name) => name.endsWith(".yml"));

test("there are all cases", () => assert.equal(cases.length, 20));

for (const file of cases) {
  test(`${file} gives what mergekit gives`, async () => {
    const config = parse(readFileSync(new URL(`cases/${file}`, folder), "utf8")) as Config;
    const expected = await open(`cases/${file.replace(".yml", ".safetensors")}`);
    const method = methodNamed(config.merge_method)!;
    // mergekit wants the base among the models for SLERP: it is where t is 0.
    const isBaseAlone = method.base === "none";
    const listed = config.models.map(({ model }) => model);
    const order = isBaseAlone ? listed.toSorted((a, b) => Number(b === config.base_model) - Number(a === config.base_model)) : listed;
    const models = await Promise.all(order.map(open));
    const base = isBaseAlone || config.base_model === undefined ? undefined : await open(config.base_model);
    const names = [...expected.header.tensors.keys()];
    const tensors = await Promise.all(
      names.map(async (name): Promise<TensorInMemory> => {
        const parameters = {
          merge: config.parameters ?? {},
          models: order.map((one) => config.models[listed.indexOf(one)]!.parameters ?? {}),
        };
        const values = await Promise.all(models.map((model) => read(model, name)));
        const { shape } = expected.header.tensors.get(name)!;
        return { name, shape, models: values, parameters, ...(base === undefined ? {} : { base: await read(base, name) }) };
      }),
    );
    const type = config.out_dtype === "bfloat16" ? "BF16" : "F32";
    const results = runMethodInMemory(method, tensors, { type });
    for (const [t, name] of names.entries()) assertNear(results[t]!, await read(expected, name), type, name);
  });
}

function open(path: string): Promise<SafetensorsFile> {
  return openSafetensors(bytesSource(readFileSync(new URL(path, folder))));
}

async function read(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const { dtype, shape } = file.header.tensors.get(name)!;
  const values = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1));
  widen(dtype as "F32", await file.read(name), values);
  return values;
}

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, type: "F32" | "BF16", name: string): void {
  for (let i = 0; i < expected.length; i++) {
    const size = Math.abs(expected[i]!);
    const allowed = type === "F32" ? 2e-5 * Math.max(size, 1e-3) : 2 ** (Math.floor(Math.log2(size)) - 7);
    const off = Math.abs(actual[i]! - expected[i]!);
    assert.ok(off <= allowed, `${name}[${i}] is ${actual[i]}, mergekit has ${expected[i]}`);
  }
}
