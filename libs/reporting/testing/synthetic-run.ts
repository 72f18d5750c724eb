import { sub, uniform } from "#libs/deterministic";
import { methods as allMethods, type Method } from "../methods.ts";
import type { Cell, Measurements, Member, SetName } from "../report.ts";

/** For tests and for looking at reports: measurements of the size and shape of a digits run, drawn instead of trained. */
export type SyntheticOptions = {
  readonly name?: string;
  readonly seeds?: readonly number[];
  readonly heldOut?: readonly string[];
  readonly members?: number;
  readonly fused?: boolean;
  /** How much better recycling is than a soup, 0 to 1. */
  readonly gain?: number;
  /** Spread of everything, 0 to 1. */
  readonly noise?: number;
  readonly failed?: boolean;
};

const domains = ["0°", "25°", "50°", "75°"];
const levels: { readonly [domain: string]: number } = { "0°": 0.61, "25°": 0.84, "50°": 0.83, "75°": 0.54 };
const starts = ["foundation", "noise and occlusion", "gradient and low contrast", "thick and outline", "plain and thin"];
const images = 449;

/** Measurements for `buildReport`. The same options give the same measurements. */
export function syntheticRun(options: SyntheticOptions = {}): Measurements {
  const { name = "digits", seeds = [10, 11], heldOut = domains, members = 10, fused = false, failed = false } = options;
  const { gain = 0.019, noise = 0.025 } = options;
  const methods = allMethods.filter((method) => fused || method !== "fusing");
  const cells = seeds.flatMap((seed) => heldOut.map((domain, i) => cell({ seed, domain, place: i, members, fused, gain, noise })));
  const recipe = {
    name,
    seeds: [...seeds],
    backend: "wasm",
    target: { domains: [0, 25, 50, 75], heldOut: [0, 25, 50, 75], validationFraction: 0.2 },
  };
  return {
    ratatouille: "0.1.0",
    name,
    runId: "run-0123456789abcdef",
    task: { name: "rotated digits", source: digest("source"), domains, heldOut, seeds, members, methods, backend: "wasm" },
    cells: failed ? cells.map((entry, i) => (i === 0 ? withFailure(entry) : entry)) : cells,
    lineage: lineage(members),
    recipe,
    licences: ["CC-BY-4.0", "Apache-2.0"],
    timings: {
      wallSeconds: 151.4,
      computeSeconds: 277.6,
      artifacts: 324,
      made: 312,
      reused: 12,
      failed: 0,
      stages: [
        { name: "data", artifacts: 26, made: 14, computeSeconds: 9.1 },
        { name: "pre-training", artifacts: 2, made: 2, computeSeconds: 17.2 },
        { name: "auxiliary fine-tuning", artifacts: 16, made: 16, computeSeconds: 46.4 },
        { name: "linear probe", artifacts: 8, made: 8, computeSeconds: 10.9 },
        { name: "fine-tuning", artifacts: 160, made: 160, computeSeconds: 176.3 },
        { name: "averaging", artifacts: 48, made: 48, computeSeconds: null },
        { name: "evaluation", artifacts: 64, made: 64, computeSeconds: 17.7 },
      ],
      processes: [
        { name: "services", peakMemoryBytes: 412e6, receivedBytes: 310e6, sentBytes: 402e6, downloadedBytes: 150e6, uploadedBytes: 21e6 },
        { name: "trainer-1", peakMemoryBytes: 152e6, receivedBytes: 88e6, sentBytes: 61e6, downloadedBytes: 87e6, uploadedBytes: 60e6 },
      ],
    },
  };
}

type CellOptions = { seed: number; domain: string; place: number; members: number; fused: boolean; gain: number; noise: number };

function cell({ seed, domain, place, members, fused, gain, noise }: CellOptions): Cell {
  const draw = generator(sub(sub(seed, 300), place));
  const level = (levels[domain] ?? 0.7) + 1.5 * noise * draw.normal();
  const sets: SetName[] = fused ? ["soup", "recycled", "fused"] : ["soup", "recycled"];
  const lift: { [set in SetName]: number } = { soup: 0, recycled: 0.75 * gain, fused: 0.5 * gain };
  const made = sets.flatMap((set) =>
    Array.from({ length: members }, (_, index) => member({ set, index, level: level - 0.03 + lift[set] + noise * draw.normal(), draw })),
  );
  const soup = level + 0.4 * noise * draw.normal();
  const recycled = level + gain + 0.4 * noise * draw.normal();
  const average = (method: Method, accuracy: number, count: number) => ({
    method,
    accuracy: rounded(accuracy),
    validationAccuracy: rounded(0.94 + 0.004 * draw.normal()),
    members: count,
    ...(method === "recycling-ensemble" ? {} : { model: digest(`${method} ${seed} ${domain}`) }),
  });
  const pairs = (members * (members - 1)) / 2;
  return {
    seed,
    heldOut: domain,
    members: made,
    failed: [],
    averages: [
      average("linear-probe", level - 0.11 + noise * draw.normal(), 1),
      average("soup", soup, members),
      average("soup-greedy", soup - 0.014 + noise * draw.normal(), Math.ceil(members / 2)),
      average("recycling", recycled, members),
      average("recycling-greedy", recycled - 0.008 + noise * draw.normal(), Math.ceil(members / 2)),
      average("recycling-ensemble", recycled + 0.3 * noise * draw.normal(), members),
    ],
    greedy: [
      { set: "soup", selected: [0, 3, 4] },
      { set: "recycled", selected: [1, 2, 6] },
    ],
    barriers: sets.flatMap((set) => [
      {
        set,
        domain: "id-validation" as const,
        mean: (set === "recycled" ? 0.0043 : 0.0024) + 0.001 * draw.normal(),
        max: 0.021,
        meanLoss: 0.012,
      },
      {
        set,
        domain: "held-out" as const,
        mean: (set === "recycled" ? -0.0179 : -0.0143) + 0.003 * draw.normal(),
        max: 0.012,
        meanLoss: -0.05,
      },
    ]),
    diversity: sets.map((set) => ({ set, ratioError: { soup: 0.71, recycled: 0.92, fused: 0.77 }[set] + 0.05 * draw.normal(), pairs })),
    interpolations: sets.flatMap((set) =>
      (
        [
          [0, 1],
          [1, 3],
        ] as const
      ).map((pair) => {
        const lambdas = Array.from({ length: 11 }, (_, i) => i / 10);
        const bump = (lambda: number) => 4 * lambda * (1 - lambda);
        return {
          set,
          pair,
          lambdas,
          heldOut: lambdas.map((lambda) => rounded(level - 0.03 + lift[set] + 0.02 * bump(lambda) + 0.003 * draw.normal())),
          validation: lambdas.map((lambda) => rounded(0.943 - 0.004 * bump(lambda) + 0.002 * draw.normal())),
        };
      }),
    ),
  };
}

function member({ set, index, level, draw }: { set: SetName; index: number; level: number; draw: Draw }): Member {
  const factor = [0.2, 0.6, 1][Math.floor(3 * draw.uniform())] ?? 1;
  const loss = Array.from({ length: 12 }, (_, i) => ({
    step: 25 * (i + 1),
    loss: 0.12 + 1.1 / (1 + (i + 0.5) * (0.6 + factor)) + 0.02 * draw.uniform(),
  }));
  const validation = loss.map(({ step }) => ({ step, accuracy: rounded(0.948 - 6 / (step * (0.6 + factor)) + 0.006 * draw.normal()) }));
  const best = validation.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  return {
    set,
    index,
    initialisation: set === "fused" ? "fused" : set === "soup" ? "foundation" : starts[index % starts.length]!,
    learningRate: 5e-3 * factor,
    dropout: [0, 0.1, 0.5][Math.floor(3 * draw.uniform())] ?? 0,
    weightDecay: draw.uniform() < 0.5 ? 1e-4 : 1e-6,
    bestStep: best.step,
    validationAccuracy: best.accuracy,
    accuracy: rounded(level),
    model: digest(`${set} ${index} ${level}`),
    curve: { loss, validation },
  };
}

function withFailure(cell: Cell): Cell {
  return {
    ...cell,
    members: cell.members.filter((entry) => entry.set !== "recycled" || entry.index !== 3),
    failed: [{ set: "recycled", index: 3, error: "loss is NaN at step 12 with learning rate 0.005" }],
  };
}

function lineage(members: number): Measurements["lineage"] {
  const node = (kind: string, label: string, inputs: string[]) => ({
    digest: digest(label),
    kind,
    label: kind === "import" ? label : `seed 10 · ${label}`,
    inputs: inputs.map(digest),
  });
  const auxiliaries = starts.slice(1);
  return [
    node("import", "digits", []),
    ...["0°", "25°", "75°"].map((domain) => node("dataset", `digits at ${domain}`, ["digits"])),
    node("dataset", "symbols for the foundation", []),
    node("pretrain", "foundation", ["symbols for the foundation"]),
    ...auxiliaries.flatMap((name) => [
      node("dataset", `symbols for ${name}`, []),
      node("probe", `${name} · linear probe`, ["foundation", `symbols for ${name}`]),
      node("fine-tune", name, ["foundation", `${name} · linear probe`, `symbols for ${name}`]),
    ]),
    node("probe", "linear probe", ["foundation", "digits at 0°", "digits at 25°", "digits at 75°"]),
    ...Array.from({ length: members }, (_, i) =>
      node("fine-tune", `held out 50° · recycled ${i}`, [
        starts[i % starts.length]!,
        "linear probe",
        "digits at 0°",
        "digits at 25°",
        "digits at 75°",
      ]),
    ),
    node(
      "average",
      "held out 50° · recycling",
      Array.from({ length: members }, (_, i) => `held out 50° · recycled ${i}`),
    ),
  ];
}

type Draw = { uniform(): number; normal(): number };

function generator(seed: number): Draw {
  let k = 0;
  const next = () => uniform(seed, k++);
  // Irwin-Hall: the sum of twelve uniforms is normal enough here.
  return { uniform: next, normal: () => Array.from({ length: 12 }, next).reduce((sum, u) => sum + u, -6) };
}

function rounded(accuracy: number): number {
  return Math.round(Math.min(1, Math.max(0, accuracy)) * images) / images;
}

/** Looks like a sha-256 and is a function of the name. */
function digest(name: string): string {
  let state = 0;
  for (const character of name) state = sub(state, character.codePointAt(0)!);
  const words = Array.from({ length: 8 }, (_, i) => sub(state, i).toString(16).padStart(8, "0"));
  return `sha256:${words.join("")}`;
}
