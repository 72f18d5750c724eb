import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf, recipeKey } from "#libs/recipes";
import { OnFailure, type RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import { exampleStudy, walk } from "../../testing/plans.ts";
import type { Outcome } from "../outcome.ts";
import type { Node } from "../template.ts";
import { planStudy, type StudyPlan } from "./plan.ts";
import { planSize } from "./size.ts";
import { checkStudy, completeStudy } from "./specification.ts";

const planOf = (spec: RunSpec): StudyPlan => planStudy(completeStudy(spec));
const digest = (outcomes: ReadonlyMap<string, Outcome>, node: string) => (outcomes.get(node) as Outcome & { state: "done" }).digest;

/** Keys of the nodes whose recipe is known before anything ran: all but what a greedy selection leads to. */
function fixedKeys(plan: StudyPlan): Map<string, string> {
  const { recipes } = walk(plan);
  const chosen = (id: string) => /greedy/.test(id);
  return new Map([...recipes].filter(([id]) => !chosen(id)).map(([id, recipe]) => [id, recipeKey(recipe)]));
}

test("every node comes after its inputs, every recipe is valid and is one of its own, and there are as many as was promised", () => {
  const spec = exampleStudy();
  assert.deepEqual(checkStudy(spec), []);
  const plan = planOf(spec);
  const { recipes } = walk(plan);
  assert.equal(recipes.size, plan.nodes.length);
  assert.equal(new Set(plan.nodes.map(({ id }) => id)).size, plan.nodes.length);
  const keys = fixedKeys(plan);
  assert.equal(new Set(keys.values()).size, keys.size);
  assert.ok(plan.nodes.length <= planSize(spec), `${plan.nodes.length} of ${planSize(spec)}`);
});

test("every node of a study has the recipe key that it has always had", () => {
  const { recipes } = walk(planOf(exampleStudy()));
  const lines = [...recipes].map(([id, recipe]) => `${id} ${recipeKey(recipe)}\n`).sort();
  assert.equal(lines.length, 530);
  assert.equal(
    createHash("sha256").update(lines.join("")).digest("hex"),
    "05f6ecc63ded4760a147047e69302ce654177b028aca7249a29e35e15a8f4a46",
  );
});

test("the held-out domain is never trained on and never selected by", () => {
  const plan = planOf(exampleStudy());
  const { recipes } = walk(plan);
  let seen = 0;
  for (const { seed, heldOut } of plan.cells) {
    const prefix = `${seed}/${["art", "cartoon", "photo", "sketch"].indexOf(heldOut)}/`;
    for (const [id, { kind, parameters }] of recipes) {
      if (!id.startsWith(prefix) || (kind !== "train" && kind !== "predict")) continue;
      const domains = parameters["domains"] as readonly string[];
      if (id.endsWith("/held-out")) assert.deepEqual(domains, [heldOut]);
      else assert.ok(!domains.includes(heldOut), id);
      assert.ok(kind === "train" || id.endsWith("/held-out") || parameters["part"] === "validation", id);
      seen += 1;
    }
  }
  assert.ok(seen > 100);
});

test("items that are held out are trained on nowhere, and results are measured on them alone", () => {
  const plan = planOf(exampleStudy({ heldOutItems: 0.25 }));
  const { recipes, outcomes } = walk(plan);
  assert.equal(recipes.size, plan.nodes.length);
  const splits = [...recipes].filter(([, { kind }]) => kind === "split");
  assert.deepEqual(
    splits.map(([id, { parameters }]) => [id, parameters]),
    [
      ...["data/auxiliary/1/split", "data/auxiliary/2/split"].map((id) => [id, { scheme: "items/1", fraction: 0, trial: 0, test: 0.25 }]),
      ...[0, 1].map((trial) => [`${trial}/split`, { scheme: "items/1", fraction: 0.2, trial, test: 0.25 }]),
    ],
  );
  let [trained, tested] = [0, 0];
  for (const [id, { kind, inputs, parameters }] of recipes) {
    if (kind === "train") {
      const [, split] = splits.find(([place]) => digest(outcomes, place) === inputs["split"]) ?? assert.fail(`${id} has no split`);
      assert.equal(split.inputs["dataset"], inputs["dataset"], id);
      trained += 1;
    }
    if (!id.endsWith("/held-out") || kind !== "predict") continue;
    assert.deepEqual([parameters["part"], inputs["split"]], ["test", digest(outcomes, `${id.split("/")[0]}/split`)], id);
    tested += 1;
  }
  assert.ok(trained > 60 && tested > 60, `${trained} and ${tested}`);
  assert.deepEqual(checkStudy(exampleStudy({ heldOutItems: 1 })), [{ field: "spec.study.held_out_items", description: "from 0 below 1" }]);
});

test("a foundation that is trained first learns no item that is held out", () => {
  const task = exampleStudy().study!.auxiliaries[2]!.task!;
  const training = { steps: 10, batch: 2, learningRate: 0.1 };
  const plan = planOf(exampleStudy({ heldOutItems: 0.25, foundation: { from: { case: "pretraining", value: { task, training } } } }));
  const { recipes, outcomes } = walk(plan);
  // The third auxiliary has the same pictures, and the same split of them.
  assert.equal(recipes.get("foundation")!.inputs["split"], digest(outcomes, "data/foundation/split"));
  assert.equal(recipes.get("auxiliary/2/0")!.inputs["split"], digest(outcomes, "data/foundation/split"));
  assert.ok(plan.nodes.length <= planSize(exampleStudy({ heldOutItems: 0.25 })));
});

test("recycled members start in turn, with the head of the shared probe, and only other starts let the head settle first", () => {
  const plan = planOf(exampleStudy());
  const { recipes, outcomes } = walk(plan);
  for (const { seed, sets } of plan.cells) {
    const recycled = sets.find(({ name }) => name === "recycled")!;
    const starts = recycled.members.map(({ initialisation }) => initialisation);
    assert.deepEqual(starts, ["foundation", "inat (2)", "cub (1)", "nabirds", "foundation"]);
    for (const { node, initialisation } of recycled.members) {
      const { inputs, parameters } = recipes.get(node)!;
      const probe = node.replace(/recycled.*/, "linear-probe");
      assert.equal(inputs["head"], digest(outcomes, probe));
      assert.equal(parameters["headOnlySteps"], initialisation === "foundation" ? undefined : 20);
      assert.equal(inputs["split"], digest(outcomes, `${seed}/split`));
    }
    const soup = sets.find(({ name }) => name === "soup")!;
    assert.ok(
      soup.members.every(({ node }) => recipes.get(node)!.inputs["weights"] === recipes.get(soup.members[0]!.node)!.inputs["weights"]),
    );
  }
});

test("a member that is added changes no recipe but those of averages and measurements of all members", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), (members) => {
      const before = fixedKeys(planOf(exampleStudy({ members })));
      const after = fixedKeys(planOf(exampleStudy({ members: members + 1 })));
      for (const [id, key] of before) {
        const ofAll =
          /accuracy|calibration|ensemble|diversity|\/(soup|recycling)(\/|$)/.test(id) && !/\/(soup|recycled|fused)\/\d/.test(id);
        if (!ofAll) assert.equal(after.get(id), key, id);
      }
    }),
    { numRuns: 5 },
  );
});

test("trainings never share a seed, not with a thousand auxiliaries of several fine-tunings, and those of ten are as ever", () => {
  const withTasks = (count: number) => {
    const { study } = exampleStudy();
    const [, cub] = study!.auxiliaries;
    return exampleStudy({
      auxiliaries: Array.from({ length: count }, (_, j) => ({ ...cub!, name: `task ${j}` })),
      members: 3,
      heldOut: ["photo"],
    });
  };
  const spec = withTasks(1000);
  spec.seeds = [0];
  const trained = (nodes: readonly Node[]) => nodes.filter(({ template }) => template.kind === "train");
  const many = trained(planOf(spec).nodes);
  assert.ok(many.length > 3000);
  assert.equal(new Set(many.map(({ template }) => template.seed)).size, many.length);
  const byId = new Map(many.map((node) => [node.id, node.template.seed]));
  const few = withTasks(10);
  few.seeds = [0];
  for (const { id, template } of trained(planOf(few).nodes)) assert.equal(byId.get(id), template.seed, id);
});

test("a greedy selection tries each candidate once, best first, and averages what it took", () => {
  const plan = planOf(exampleStudy({ heldOut: ["photo"] }));
  const { recipes, outcomes } = walk(plan);
  const members = plan.cells[0]!.sets.find(({ name }) => name === "soup")!.members;
  const digests = members.map(({ node }) => digest(outcomes, node));
  const trial = (i: number) => recipes.get(`0/2/soup/greedy/${i}/validation`)!.inputs["models"];
  // The later a member, the better it was measured; each trial has 50 %, less than the best alone has.
  assert.deepEqual(trial(1), [digests[3], digests[4]]);
  assert.deepEqual(trial(2), [digests[2], digests[4]]);
  assert.deepEqual(trial(4), [digests[0], digests[4]]);
  assert.deepEqual(recipes.get("0/2/soup-greedy")!.inputs["models"], [digests[4]]);
});

test("whatever members fail, averages and measurements take the others, and nothing else changes", () => {
  const spec = exampleStudy({ heldOut: ["photo"] });
  spec.seeds = [0];
  spec.onFailure = OnFailure.CONTINUE;
  const plan = planOf(spec);
  const members = plan.cells[0]!.sets.flatMap((set) => set.members.map(({ node }) => node));
  fc.assert(
    fc.property(fc.subarray(members), (failed) => {
      const { recipes, outcomes } = walk(plan, ({ id }) => failed.includes(id));
      const recycled = plan.cells[0]!.sets.find(({ name }) => name === "recycled")!.members.filter(({ node }) => !failed.includes(node));
      const digests = recycled.map(({ node }) => digest(outcomes, node));
      assert.deepEqual(recipes.get("0/2/recycling")?.inputs["models"], digests.length > 0 ? digests : undefined);
      for (const { id, expendable } of plan.nodes) if (!recipes.has(id)) assert.ok(expendable || failed.length >= members.length / 3, id);
    }),
    { numRuns: 30 },
  );
});

test("a foundation that is drawn is the same for every probe, and members go on from the probe", () => {
  const plan = planOf(exampleStudy({ foundation: {} }));
  const { recipes, outcomes } = walk(plan);
  const probes = [...recipes].filter(([id]) => /probe$/.test(id));
  assert.equal(probes.length, 2 + plan.cells.length);
  assert.equal(new Set(probes.map(([, { seed }]) => seed)).size, 1);
  assert.ok(probes.every(([, { inputs }]) => inputs["weights"] === undefined));
  assert.equal(recipes.get("0/2/soup/0")!.inputs["weights"], digest(outcomes, "0/2/linear-probe"));
  assert.equal(recipes.get("auxiliary/1/0")!.inputs["weights"], digest(outcomes, "auxiliary/1/probe"));
});

test("domainbed's draws are the same for every held-out domain, and member 0 takes the defaults", () => {
  const ranges = { draw: "domainbed/1", learningRates: [1e-5, 3e-5, 5e-5], dropouts: [0, 0.1, 0.5], weightDecays: [1e-4, 1e-6] };
  const plan = planOf(exampleStudy({ ranges }));
  const drawn = plan.cells.map(({ sets }) =>
    sets[0]!.members.map(({ learningRate, weightDecay, dropout }) => [learningRate, weightDecay, dropout]),
  );
  assert.deepEqual(drawn[0], drawn[1]);
  assert.deepEqual(drawn[0], [
    [5e-5, 0, 0],
    [3e-5, 1e-4, 0.5],
    [1e-5, 1e-6, 0.5],
    [3e-5, 1e-6, 0],
    [1e-5, 1e-6, 0],
  ]);
});

test("without auxiliaries nothing is fused", () => {
  const plan = planOf(exampleStudy({ auxiliaries: [] }));
  assert.deepEqual(
    plan.cells[0]!.sets.map(({ name }) => name),
    ["soup", "recycled"],
  );
  assert.equal(walk(plan).recipes.size, plan.nodes.length);
});

test("a transform that there is not, or one of validation that draws, is told before anything is planned", () => {
  assert.deepEqual(checkStudy(exampleStudy({ transform: { training: "domainbd/1", validation: "domainbed/1" } })), [
    { field: "spec.study.transform.training", description: '"domainbd/1" is no transform: did you mean domainbed/1?' },
    {
      field: "spec.study.transform.validation",
      description: "one of resize/1, center/1, none/1, not domainbed/1, which draws at random",
    },
  ]);
});

const records = (name: string, domains: readonly string[], classes: readonly string[]) => ({
  ...{ source: digestOf(name), generator: "records/1" },
  ...{ domains: [...domains], classes: [...classes], images: domains.map(() => 40) },
});

/** A study on records with a network that only its trainers know. */
function foreignStudy(changes: Parameters<typeof exampleStudy>[0] = {}): RunSpec {
  const training = { steps: 50, batch: 8, learningRate: 1e-3 };
  const auxiliaries = [
    { name: "tense", task: records("tense", ["all"], ["past", "present", "none"]), probe: training, training, count: 1 },
    { name: "ready", models: [digestOf("ready")] },
  ];
  const study = exampleStudy({
    target: records("brown", ["news", "fiction"], ["noun", "verb"]),
    heldOut: ["news"],
    network: { name: "tagger", head: ["out.weight", "out.bias"] },
    foundation: {},
    auxiliaries,
    arithmetic: "~own/1",
    ...changes,
  });
  const { transform: _, ...rest } = study.study!;
  return { ...study, backend: "own", backends: ["own", "torch"], device: "gpu", study: rest };
}

test("records have no transform, and a network that only trainers know one foundation without a head, from which everything starts", () => {
  const spec = foreignStudy();
  assert.deepEqual(checkStudy(spec), []);
  const { nodes } = planOf(spec);
  const { recipes, outcomes } = walk({ nodes });
  assert.equal(recipes.size, nodes.length);
  assert.ok(nodes.length <= planSize(spec), `${nodes.length} of ${planSize(spec)}`);
  for (const { id, template, engines } of nodes) {
    const { parameters, arithmetic } = recipes.get(id)!;
    if (template.kind !== "train" && template.kind !== "predict") continue;
    assert.deepEqual([parameters["transform"], arithmetic, engines], [undefined, "~own/1", { backends: ["own", "torch"], device: "gpu" }]);
  }
  const drawn = recipes.get("foundation/drawn")!;
  assert.deepEqual(
    [drawn.inputs, drawn.parameters["trainable"], drawn.parameters["steps"]],
    [{ dataset: digest(outcomes, "data/target") }, "head", 1],
  );
  assert.deepEqual(recipes.get("foundation")!.parameters, { method: "uniform", exclude: ["out.weight", "out.bias"] });
  const foundation = digest(outcomes, "foundation");
  const starts = [...recipes].filter(([id, { kind }]) => kind === "train" && id !== "foundation/drawn");
  // All but the members that start from an auxiliary or a fused start: the probes, the auxiliary, the soup and every third recycled one.
  const from = starts.filter(([, { inputs }]) => inputs["weights"] === foundation).map(([id]) => id);
  assert.ok(
    ["auxiliary/0/probe", "auxiliary/0/0", "0/0/linear-probe", "0/0/soup/0", "0/0/recycled/0", "1/0/recycled/3"].every((id) =>
      from.includes(id),
    ),
  );
  assert.ok(starts.every(([, { inputs }]) => inputs["weights"] !== undefined));
  // With weights nothing is drawn.
  const given = planOf(foreignStudy({ foundation: { from: { case: "model", value: digestOf("mine") } } }));
  assert.ok(!given.nodes.some(({ id }) => id.startsWith("foundation")));
});

test("what cannot be of a study on records or of its engines is one violation", () => {
  const violations = (spec: RunSpec) => checkStudy(spec).map(({ field, description }) => `${field}: ${description}`);
  const rows: readonly (readonly [RunSpec, string])[] = [
    [{ ...foreignStudy(), backends: ["torch", "own"] }, "spec.backends: spec.backend first"],
    [{ ...foreignStudy(), backends: ["own", "own"] }, "spec.backends: at most 10 engines, each once"],
    [{ ...foreignStudy(), device: "tpu" }, "spec.device: cpu or gpu, or empty"],
    [foreignStudy({ arithmetic: "exact" }), 'spec.study.arithmetic: an approximate arithmetic, such as "~own/1"'],
    [
      foreignStudy({ network: { name: "mlp", hidden: [8] } }),
      "spec.study.network.name: one that a trainer of records knows, by a name of its own",
    ],
    [
      foreignStudy({ network: { name: "tagger", size: 8, head: ["x"] } }),
      "spec.study.network: without channels and size: records have none",
    ],
    [
      foreignStudy({
        auxiliaries: [
          {
            name: "a",
            task: { ...records("a", ["x"], ["b", "c"]), generator: "image-shards/1" },
            probe: probeOf,
            training: probeOf,
            count: 1,
          },
        ],
      }),
      "spec.study: tasks that are all of images, or all of records",
    ],
  ];
  for (const [spec, expected] of rows) assert.deepEqual(violations(spec), [expected]);
});

const probeOf = { steps: 5, batch: 2, learningRate: 1e-3 };
