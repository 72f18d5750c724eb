import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { ModelError, openModel } from "#libs/models";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { AdapterError, readLora } from "./index.ts";

test("configurations of adapters: what can be read is plain LoRA with finite scalings", async () => {
  await using directory = await temporaryDirectory();
  const matrix = (rows: number, columns: number) => ({ shape: [rows, columns], data: new Float32Array(rows * columns) });
  const names = [["base_model.model.q.lora_A.weight", matrix(2, 3)] as const, ["base_model.model.q.lora_B.weight", matrix(4, 2)] as const];
  await writeFile(directory.join("adapter_model.safetensors"), saveFloat32(new Map(names)));
  const anyValue = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(0, -1, 2, 1e308, 5e-324, 2 ** 53, "2", null));
  const pattern = fc.dictionary(
    fc.oneof(fc.constantFrom("q", "^q", "model.q", "(a+)+$", ".*", "__proto__"), fc.string({ maxLength: 9 })),
    anyValue,
    {
      maxKeys: 2,
    },
  );
  const mostly = <T>(usual: T, other: fc.Arbitrary<unknown> = anyValue) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(usual) }, { weight: 1, arbitrary: other });
  const config = fc.record({
    peft_type: mostly("LORA"),
    r: mostly(2),
    lora_alpha: mostly(4),
    use_rslora: mostly(false),
    use_dora: mostly(false),
    bias: mostly("none"),
    fan_in_fan_out: mostly(false),
    rank_pattern: mostly({}, fc.oneof(pattern, anyValue)),
    alpha_pattern: mostly({}, fc.oneof(pattern, anyValue)),
    init_lora_weights: mostly(true),
    base_model_name_or_path: mostly("org/base"),
    target_modules: mostly(["q"]),
  });
  const outcomes = { read: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 6, arbitrary: config.map((value) => JSON.stringify(value)) }, { weight: 1, arbitrary: fc.json() }),
      async (json) => {
        await writeFile(directory.join("adapter_config.json"), json);
        const model = await openModel(directory.path, "m").catch((error: unknown) => {
          assert.ok(error instanceof ModelError, `${error instanceof Error ? error.stack : error}`);
          return undefined;
        });
        if (model === undefined) return;
        try {
          for (const { rank, scaling } of readLora(model).modules.values())
            assert.ok(rank === 2 && Number.isFinite(scaling) && scaling >= 0);
          outcomes.read++;
        } catch (error) {
          assert.ok(error instanceof AdapterError, `${error instanceof Error ? error.stack : error}`);
          assert.ok(error.message.length < 5000);
          outcomes.refused++;
        }
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(outcomes.read > 10 && outcomes.refused > 10, JSON.stringify(outcomes));
});
