import type { RunFileError } from "../problems.ts";
import type { Protocol } from "./defaults.ts";

/** Where pictures or records are, and how a data set is made of them. Paths are absolute. */
export type PicturesAt = {
  readonly path: string;
  readonly generator: "image-shards/1" | "records/1" | "rotated-mnist/1" | "colored-mnist/1";
};

/** One training with all its numbers. */
export type StudyTraining = {
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly headOnlySteps: number;
  /** 0: never; of a probe and of fine-tunings, that it is chosen once the images are counted. */
  readonly validateEvery: number;
  readonly withReplacement: boolean;
};

/** What fine-tunings of the foundation come from: ready models, pictures, or a path that may be either and that nobody has looked at. */
export type StudyAuxiliary = {
  readonly name: string;
  readonly from:
    | { readonly kind: "models"; readonly paths: readonly string[] }
    | { readonly kind: "pictures"; readonly pictures: PicturesAt }
    | { readonly kind: "path"; readonly path: string };
  readonly count: number;
  readonly probe: StudyTraining;
  readonly training: StudyTraining;
};

/** A run file of pictures, every number in place but what only the pictures tell: the names of domains, and how often is validated. */
export type StudyFile = {
  readonly path: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly seeds: readonly number[];
  /** The engine, `auto`, or the first of several. */
  readonly backend: string;
  /** All engines, where the file lists several; else empty. */
  readonly backends: readonly string[];
  /** What they compute, where the file says it. */
  readonly arithmetic?: string;
  readonly target: PicturesAt;
  /** Domains by name; undefined: each of them. */
  readonly heldOut?: readonly string[];
  /** Share of the items, whatever their domain, that nothing is trained on; 0: none is held out. */
  readonly heldOutItems: number;
  readonly validationFraction: number;
  readonly network: {
    readonly name: string;
    readonly channels: number;
    readonly size: number;
    readonly hidden: readonly number[];
    readonly head: readonly string[];
  };
  readonly foundation:
    | { readonly kind: "model"; readonly path: string }
    | { readonly kind: "pictures"; readonly pictures: PicturesAt; readonly training: StudyTraining }
    | { readonly kind: "drawn" };
  readonly auxiliaries: readonly StudyAuxiliary[];
  readonly probe: StudyTraining;
  readonly members: number;
  readonly fineTuning: StudyTraining;
  readonly ranges: {
    readonly draw: string;
    readonly learningRates: readonly number[];
    readonly dropouts: readonly number[];
    readonly weightDecays: readonly number[];
  };
  /** How images become pixels; records have none. */
  readonly transform?: { readonly training: string; readonly validation: string };
  readonly curves: { readonly barriers: number; readonly curves: number; readonly points: number };
  readonly methods: readonly string[];
  readonly onFailure: "fail" | "continue";
  readonly sharedImages: boolean;
  /**
   * The error for something that is wrong with a key and that only shows where the files are looked at.
   * @param key its place, for example ["auxiliaries", 0]. @param text goes on after "`auxiliaries` at line 5".
   */
  problem(key: readonly (string | number)[], text: string): RunFileError;
};
