import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { networkNames } from "#libs/networks";
import { arithmetics } from "#libs/recipes";
import { EngineSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { example, exampleStudy } from "../testing/plans.ts";
import { chooseEngine } from "./choose-engine.ts";

type Spec = Parameters<typeof chooseEngine>[0];
type Trainers = Parameters<typeof chooseEngine>[1];
const any = (spec: Spec): Spec => ({ ...spec, backend: "auto" });
/** What a run that may take any engine takes. */
function engineOf(spec: Spec, trainers: Trainers, begun?: string): string | undefined {
  const choice = chooseEngine(any(spec), trainers, begun === undefined ? undefined : { backend: begun });
  return choice.state === "chosen" ? choice.backend : undefined;
}
/** Why nothing can be chosen. */
function whyNot(spec: Spec, trainers: Trainers): string {
  const choice = chooseEngine(spec, trainers);
  return choice.state === "lacking" ? choice.lack : choice.state === "ambiguous" ? choice.why : "chosen";
}

const trainer = (
  name: string,
  changes: { device?: string; networks?: string[]; builtInNetworks?: boolean; arithmetics?: string[] } = {},
) => ({
  engines: [create(EngineSchema, { name, device: "cpu", arithmetics: [arithmetics.training], builtInNetworks: true, ...changes })],
});

test("the fastest engine that has the network is taken, a GPU before all", () => {
  const spec = exampleStudy();
  assert.equal(engineOf(spec, [trainer("wasm"), trainer("tfjs-node")]), "tfjs-node");
  assert.equal(engineOf(spec, [trainer("tfjs-node"), trainer("torch")]), "torch");
  assert.equal(engineOf(spec, [trainer("tfjs-node"), trainer("my-torch", { device: "gpu" })]), "my-torch");
  assert.equal(engineOf(spec, [trainer("tfjs-node", { builtInNetworks: false }), trainer("wasm", { networks: ["resnet18"] })]), "wasm");
  assert.equal(engineOf(spec, [trainer("tfjs-node", { arithmetics: ["~other/1"] })]), undefined);
  assert.equal(engineOf(spec, []), undefined);
});

test("the engine that a run began with is kept as long as a trainer has it for the network", () => {
  const spec = exampleStudy();
  assert.equal(engineOf(spec, [trainer("wasm"), trainer("tfjs-node")], "wasm"), "wasm");
  assert.equal(engineOf(spec, [trainer("wasm"), trainer("tfjs-node")], "tfjs-node-gpu"), "tfjs-node");
  assert.equal(engineOf(spec, [trainer("wasm", { builtInNetworks: false }), trainer("tfjs-node")], "wasm"), "tfjs-node");
});

test("an engine that is for small networks is taken for no others, unless a trainer names them", () => {
  const chosen = (name: string, size: number, changes = {}) =>
    engineOf(exampleStudy({ network: { name, size } }), [trainer("cpu", changes), trainer("wasm", changes)]);
  for (const name of ["mlp", "mnist-cnn"]) assert.equal(chosen(name, 28), "wasm", name);
  for (const name of networkNames().filter((one) => one !== "mlp" && one !== "mnist-cnn")) assert.equal(chosen(name, 224), undefined, name);
  // 1.8 billion multiply-adds at 224 pixels are 37 million at 32.
  assert.equal(chosen("resnet18", 32), "wasm");
  assert.equal(chosen("mnist-cnn", 224), undefined);
  assert.equal(chosen("resnet50", 224, { networks: ["resnet50"] }), "wasm");
});

test("a network that only a trainer knows is looked for by its name", () => {
  const spec = exampleStudy({ network: { name: "my-net", head: ["out.weight"] } });
  assert.equal(engineOf(spec, [trainer("tfjs-node")]), undefined);
  assert.equal(engineOf(spec, [trainer("tfjs-node"), trainer("torch", { networks: ["my-net"] })]), "torch");
});

test("digits are computed where their bytes are known, whoever is there", () => {
  assert.equal(engineOf(example("tiny"), []), "wasm");
});

const myNet = (changes: Partial<Spec> = {}): Spec => ({
  ...exampleStudy({ network: { name: "my-net", head: ["out.weight"] } }),
  ...changes,
});
const own = (name: string, more: Parameters<typeof trainer>[1] = {}) =>
  trainer(name, { arithmetics: [`~${name}/1`], networks: ["my-net"], builtInNetworks: false, ...more });

test("a network that only trainers know is computed in what they announce, and on the device that all of them have", () => {
  const chosen = (spec: Spec, trainers: Trainers) => {
    const { state, ...rest } = chooseEngine(spec, trainers);
    assert.equal(state, "chosen", JSON.stringify(rest));
    return rest;
  };
  const [mine, torch] = [myNet({ backend: "own" }), myNet({ backend: "torch", backends: ["torch", "own"] })];
  assert.deepEqual(chosen(mine, [own("own"), trainer("wasm")]), { backend: "own", device: "cpu", arithmetic: "~own/1" });
  assert.deepEqual(chosen(mine, [own("own", { device: "gpu" })]), { backend: "own", device: "gpu", arithmetic: "~own/1" });
  const both = { engines: [...own("own", { device: "gpu" }).engines, ...own("own").engines] };
  assert.equal((chosen(mine, [both, own("own")]) as { device: string }).device, "cpu");
  // Of images the usual arithmetic comes first, where somebody has it.
  const usual = { arithmetics: [arithmetics.training, "~own/1"] };
  assert.deepEqual(chosen(torch, [own("own", usual), own("torch")]), { backend: "torch", device: "cpu", arithmetic: arithmetics.training });
  assert.deepEqual(chosen(any(myNet()), [own("own"), trainer("wasm")]), { backend: "own", device: "cpu", arithmetic: "~own/1" });
});

test("where only the run file can say what is computed, and where nobody has it, one sentence says what would help", () => {
  const torch = myNet({ backend: "torch", backends: ["torch", "own"] });
  assert.equal(
    whyNot(torch, [own("own"), own("torch")]),
    "the trainers that have the network my-net compute it in ~own/1 and ~torch/1: name one of them as arithmetic in the run file",
  );
  const asked = (arithmetic: string) => exampleStudy({ network: { name: "my-net", head: ["out.weight"] }, arithmetic });
  assert.equal(whyNot({ ...asked("~own/1"), backend: "own" }, [own("own"), own("torch")]), "chosen");
  assert.match(
    whyNot({ ...asked("~own/2"), backend: "own" }, [own("own")]),
    /no trainer that has the network my-net computes ~own\/2: did you mean ~own\/1\?/,
  );
  assert.match(
    whyNot(myNet({ backend: "own" }), [own("own", { networks: ["my-nte"] })]),
    /^no trainer has the network my-net: did you mean my-nte\?/,
  );
  assert.match(
    whyNot(myNet({ backend: "own" }), [own("own", { networks: [] })]),
    /^no trainer has the network my-net: none .*, which ratatouille-trainer is told by --network; /,
  );
  assert.match(whyNot(myNet({ backend: "own" }), [own("own"), own("torch", { networks: [] })]), /^chosen$/);
  assert.match(whyNot(myNet({ backend: "wasm" }), [own("own")]), /^no trainer has the network my-net on wasm: it is there on own$/);
  assert.match(
    whyNot(myNet({ backend: "wasm", backends: ["wasm", "onw"] }), [own("own")]),
    /no engine of ratatouille is called onw, .*: did you mean own\?/,
  );
  assert.match(whyNot(myNet({ backend: "own" }), []), /no engine of ratatouille is called own/);
  assert.match(whyNot(any(myNet()), []), /^no trainer is there; ratatouille trainers list/);
});
