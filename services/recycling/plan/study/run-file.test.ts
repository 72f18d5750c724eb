import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { digestOf } from "#libs/recipes";
import { parseStudyFile, studySpec, type TaskFound, withPaces } from "#libs/runfile";
import { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { walk } from "../../testing/plans.ts";
import { planRun } from "../planners.ts";
import { checkStudy } from "./specification.ts";

const found = (name: string): TaskFound => ({ source: digestOf(name), domains: ["a", "b"], classes: ["x", "y"], pictures: [3, 4] });

const files: readonly (readonly [title: string, text: string])[] = [
  [
    "pictures, ready models, and tasks",
    "target: { images: p }\nfoundation: { network: resnet18, weights: w }\nauxiliaries: [{ weights: a }, { images: b }]\n",
  ],
  ["a foundation that is trained first", "target: { images: p }\nfoundation: { network: vit_tiny_patch16_224, images: q }\n"],
  ["digits and a foundation that is drawn", "target: { rotated-mnist: p }\nfoundation: { network: mnist-cnn }\nprotocol: domainbed\n"],
  [
    "a network that only a trainer knows",
    "target: { images: p }\nfoundation: { network: my-net, head: [out.weight, out.bias], weights: w }\n",
  ],
  ["pictures whose items are held out", "held-out-items: 0.2\ntarget: { images: p }\nfoundation: { network: resnet18, images: q }\n"],
  ["few steps", "target: { images: p }\nfoundation: { network: mlp, hidden: [8], size: 16 }\nfine-tuning: { steps: 1, members: 1 }\n"],
];

for (const [title, text] of files) {
  test(`the defaults of a run file of ${title} can be planned`, () => {
    const file = withPaces(parseStudyFile(`name: x\nheld-out: [a]\nbackend: wasm\n${text}`, { path: "/x.yaml" }), found("target"));
    const spec = create(
      RunSpecSchema,
      studySpec(file, {
        target: found("target"),
        ...(file.foundation.kind === "drawn" ? {} : { foundation: file.foundation.kind === "model" ? digestOf("w") : found("foundation") }),
        auxiliaries: file.auxiliaries.map(({ name, from }) => (from.kind === "models" ? [digestOf(name)] : found(name))),
      }),
    );
    assert.deepEqual(checkStudy(spec), []);
    assert.equal(spec.study?.heldOutItems, text.startsWith("held-out-items") ? 0.2 : 0);
    const plan = planRun(spec);
    const { recipes } = walk(plan);
    assert.equal(recipes.size, plan.nodes.length);
    assert.equal(plan.recycled.length, 1);
    assert.equal(plan.task.network, file.network.name);
  });
}
