import type { Json } from "#libs/recipes";
import type { Method } from "./methods.ts";
import type { Estimate } from "./statistics.ts";

/** The sets of fine-tunings of a run: from the foundation, from the auxiliaries and the foundation, from the average of those. */
export type SetName = "soup" | "recycled" | "fused";

/** Loss and validation accuracy while a model was trained. Loss is the mean since the previous point, in nats; accuracy 0 to 1. */
export type Curve = {
  readonly loss: readonly { readonly step: number; readonly loss: number }[];
  readonly validation: readonly { readonly step: number; readonly accuracy: number }[];
};

/** One fine-tuning on the target. Accuracies are 0 to 1; `accuracy` is the one on the held-out domain. */
export type Member = {
  readonly set: SetName;
  /** From 0. Members of equal index in different sets have equal hyper-parameters. */
  readonly index: number;
  /** What it started from: "foundation", the name of an auxiliary, or "fused". */
  readonly initialisation: string;
  readonly learningRate: number;
  readonly dropout: number;
  readonly weightDecay: number;
  readonly bestStep: number;
  readonly validationAccuracy: number;
  readonly accuracy: number;
  /** Digest of the model. */
  readonly model: string;
  readonly curve: Curve;
};

/** Everything measured for one seed and one held-out domain. Accuracies are 0 to 1, losses in nats. */
export type Cell = {
  readonly seed: number;
  readonly heldOut: string;
  readonly members: readonly Member[];
  /** Fine-tunings that failed for good and were left out. */
  readonly failed: readonly { readonly set: SetName; readonly index: number; readonly error: string }[];
  /** Results that are not those of one member: averages, the probe, the ensemble (which has no model). */
  readonly averages: readonly {
    readonly method: Method;
    readonly accuracy: number;
    readonly validationAccuracy?: number;
    readonly model?: string;
    readonly members: number;
    /** On the held-out domain: expected calibration error and Brier score, both best at 0. Absent where they were not measured. */
    readonly calibration?: { readonly ece: number; readonly brier: number };
  }[];
  readonly greedy: readonly { readonly set: SetName; readonly selected: readonly number[] }[];
  /** Midpoint barriers over the pairs of a set: accuracy (and, for `meanLoss`, loss) lost halfway between two members. Negative: gained. */
  readonly barriers: readonly {
    readonly set: SetName;
    readonly domain: BarrierDomain;
    readonly mean: number;
    readonly max: number;
    readonly meanLoss: number;
  }[];
  /** Ratio-error diversity: examples that exactly one of two members gets wrong, over examples that both get wrong. */
  readonly diversity: readonly { readonly set: SetName; readonly ratioError: number; readonly pairs: number }[];
  /** Accuracy at (1 - lambda) a + lambda b, a and b the weights of the pair's members. */
  readonly interpolations: readonly {
    readonly set: SetName;
    readonly pair: readonly [number, number];
    readonly lambdas: readonly number[];
    readonly heldOut: readonly number[];
    readonly validation: readonly number[];
  }[];
};

export type BarrierDomain = "id-validation" | "held-out";

/** One accuracy, 0 to 1. */
export type Result = { readonly method: Method; readonly heldOut: string; readonly seed: number; readonly accuracy: number };

/** A row of the table. `mean` and `sem` null: not measured, or too few seeds to have one. */
export type TableRow = {
  readonly method: Method;
  readonly columns: readonly { readonly heldOut: string; readonly mean: number | null; readonly sem: number | null }[];
  /** Over seeds, of each seed's mean over the held-out domains. */
  readonly mean: number | null;
  readonly sem: number | null;
};

/** a - b over cells in which both were measured; accuracy 0 to 1. */
export type Difference = {
  readonly a: Method;
  readonly b: Method;
  readonly mean: number;
  /** Null with fewer than two seeds. */
  readonly sem: number | null;
  readonly won: number;
  readonly tied: number;
  readonly lost: number;
  readonly cells: number;
  readonly seeds: number;
  /** By held-out domain, over seeds. */
  readonly columns: readonly { readonly heldOut: string; readonly mean: number; readonly sem: number | null }[];
};

export type Analysis = {
  readonly barriers: readonly {
    readonly set: SetName;
    readonly domain: BarrierDomain;
    readonly mean: number;
    readonly sem: number | null;
    readonly seeds: number;
    /** The largest barrier of any pair in any cell. */
    readonly max: number;
    readonly meanLoss: number;
  }[];
  readonly diversity: readonly { readonly set: SetName; readonly ratioError: number; readonly sem: number | null }[];
  /** Diversity of the recycled set minus that of the soup, paired by seed. Null without both. */
  readonly diversityGap: { readonly mean: number; readonly sem: number | null; readonly seeds: number } | null;
  /**
   * Cells in which recycling is strictly better than the mean of the members that it averages; the accuracies of both over the cells, and
   * what it gains, over seeds. Null without cells.
   */
  readonly aboveMemberMean: {
    readonly above: number;
    readonly cells: number;
    readonly average: number | null;
    readonly members: number | null;
    readonly gain: Estimate | null;
  };
  /** On the held-out domains, over seeds, of each method whose probabilities were measured: expected calibration error and Brier score. */
  readonly calibration: readonly { readonly method: Method; readonly ece: Estimate; readonly brier: Estimate }[];
  /** Validation accuracy of the members on average, and of their uniform average (null: not measured). */
  readonly validation: readonly { readonly set: SetName; readonly memberMean: number; readonly average: number | null }[];
};

export type Task = {
  readonly name: string;
  /** Digest of the imported images and labels. */
  readonly source: string;
  readonly domains: readonly string[];
  readonly heldOut: readonly string[];
  readonly seeds: readonly number[];
  /** Fine-tunings in each set. */
  readonly members: number;
  /** Classes of the target task. Absent in reports of earlier versions. */
  readonly classes?: number;
  readonly methods: readonly Method[];
  /** The engines, and the arithmetic where it is not the usual one. */
  readonly backend: string;
  /** The network by its name, and the names of the classes. Absent in reports of the digits benchmark. */
  readonly network?: string;
  readonly classNames?: readonly string[];
  /**
   * Where items are held out: their share, how many of them each held-out domain has, and how many images show these. Accuracy is that on these
   * images alone. Absent where all images of the held-out domain count.
   */
  readonly heldOutItems?: {
    readonly share: number;
    readonly domains: readonly { readonly domain: string; readonly items: number; readonly images: number }[];
  };
};

/** A node of the lineage graph: an artifact and the artifacts it was made from. */
export type LineageNode = { readonly digest: string; readonly kind: string; readonly label: string; readonly inputs: readonly string[] };

/** What a run cost, over all its starts if it was interrupted. */
export type Timings = {
  /** From start to end, without the time between an interruption and the next start. */
  readonly wallSeconds: number;
  /** Sum over the stages. */
  readonly computeSeconds: number;
  /** Artifacts that the run consists of. */
  readonly artifacts: number;
  /** Of `artifacts`, those that this run made. */
  readonly made: number;
  /** Of `artifacts`, those that the catalog had already. */
  readonly reused: number;
  /** Of `artifacts`, those that could not be made. */
  readonly failed: number;
  readonly stages: readonly {
    readonly name: string;
    readonly artifacts: number;
    readonly made: number;
    /**
     * Spent on what this run made: CPU time of the attempts that succeeded, for what trainers make; time in its thread, for an evaluation.
     * Null: not measured (averages).
     */
    readonly computeSeconds: number | null;
  }[];
  /** The services, in one process or in several, and the trainers that made something. Absent in reports of earlier versions. */
  readonly processes?: readonly ProcessUsage[];
};

/** What a process used while the run was worked on, in bytes. */
export type ProcessUsage = {
  /** "services" where they are one process, otherwise the service; the name of a trainer. */
  readonly name: string;
  /** Resident memory at its largest since the process started. */
  readonly peakMemoryBytes: number;
  /** Messages of gRPC, those of other runs that were worked on meanwhile included. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Of these, content of blobs that it fetched from the catalog and brought there. */
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
};

/** What a run measured; the rest of a report follows from it. */
export type Measurements = {
  /** The version of ratatouille that measured it. */
  readonly ratatouille: string;
  readonly name: string;
  readonly runId: string;
  /** ISO 8601, in UTC. Absent in reports of earlier versions. */
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly task: Task;
  readonly cells: readonly Cell[];
  /** Of one cell's recycled model. */
  readonly lineage: readonly LineageNode[];
  /** The run's specification. */
  readonly recipe: Json;
  readonly licences: readonly string[];
  readonly timings: Timings;
  /** What a person should know of the data, as sentences: images of the target that look nearly equal to others. Absent in earlier reports. */
  readonly notes?: readonly string[];
};

/** `report.json`. Accuracies are 0 to 1 everywhere. */
export type Report = Measurements & {
  readonly version: 1;
  readonly results: readonly Result[];
  readonly table: readonly TableRow[];
  readonly differences: readonly Difference[];
  readonly analysis: Analysis;
  /** What makes the comparisons worthless, as sentences; empty for a sound run. */
  readonly warnings: readonly string[];
  /** What the numbers allow to say, the most important first. Warnings are the first of them. */
  readonly sentences: readonly string[];
};
