import { basename, dirname, resolve as resolvePath } from "node:path";
import { openDocument } from "../document.ts";
import { at, type Source, wrong } from "../field.ts";
import { RunFileError } from "../problems.ts";
import { defaults, type PictureKind } from "./defaults.ts";
import { checkStudyRules, reservedNames } from "./rules.ts";
import { studyFile, type WrittenStudy } from "./schema.ts";
import type { PicturesAt, StudyAuxiliary, StudyFile, StudyTraining } from "./study.ts";

/**
 * Reads a run file of pictures. `path` is its own; all paths in it are relative to that. Nothing is looked at but the text.
 * @throws RunFileError with every mistake in it.
 * @example
 * ```ts
 * const text = "name: birds\ntarget: { images: ./birds }\nheld-out: all\nfoundation: { network: resnet18, weights: ./resnet18.pth }\n";
 * const { target, network, fineTuning } = parseStudyFile(text, { path: "/home/ada/birds.yaml" });
 * [target.path, network.name, fineTuning.steps]; // ["/home/ada/birds", "resnet18", 2000]
 * ```
 */
export function parseStudyFile(text: string, { path }: { readonly path: string }): StudyFile {
  const source = openDocument(text, path);
  const file = studyFile({ node: source.document.contents, name: "", source });
  if (file !== undefined) checkStudyRules(file, source);
  if (file === undefined || source.problems.length > 0) throw new RunFileError(path, source.problems);
  return checkNames(complete(file, path, source));
}

const generators = {
  images: "image-shards/1",
  records: "records/1",
  "rotated-mnist": "rotated-mnist/1",
  "colored-mnist": "colored-mnist/1",
} as const;
type Pictures = Pick<WrittenStudy["target"], keyof typeof generators>;

function complete(file: WrittenStudy, path: string, source: Source): StudyFile {
  const { protocol, target, foundation } = file;
  const here = (name: string) => resolvePath(dirname(path), name);
  const picturesAt = (written: Pictures): PicturesAt | undefined => {
    const key = (Object.keys(generators) as (keyof typeof generators)[]).find((name) => written[name] !== null);
    return key && { path: here(written[key]!), generator: generators[key] };
  };
  const kind: PictureKind = target.images === null || foundation.network === "mnist-cnn" ? "digits" : "photographs";
  const tuning = { ...defaults["fine-tuning"](protocol, kind), ...given(file["fine-tuning"]) };
  const probe = { ...defaults.probe(protocol, tuning), ...given(file.probe) };
  const withReplacement = protocol === "domainbed";
  const training = (numbers: typeof tuning, more: Partial<StudyTraining> = {}): StudyTraining => ({
    steps: numbers.steps,
    batch: numbers.batch,
    learningRate: numbers["learning-rate"],
    weightDecay: numbers["weight-decay"],
    dropout: numbers.dropout,
    headOnlySteps: 0,
    validateEvery: 0,
    withReplacement,
    ...more,
  });
  const auxiliaryOf = (written: WrittenStudy["auxiliaries"][number]): StudyAuxiliary => {
    const own = typeof written === "string" ? {} : given(written);
    const trained = { ...tuning, ...own };
    const numbers = {
      count: (typeof written === "string" ? null : written.models) ?? defaults.count(protocol),
      probe: training({ ...probe, ...(typeof written === "string" ? {} : given(written.probe)) }),
      training: training(trained),
    };
    if (typeof written === "string") return { name: nameOf(written), from: { kind: "path", path: here(written) }, ...numbers };
    const pictures = picturesAt(written);
    const weights = [written.weights ?? []].flat();
    const name = written.name ?? nameOf(written.path ?? weights[0] ?? pictures?.path ?? "");
    if (written.path !== null) return { name, from: { kind: "path", path: here(written.path) }, ...numbers };
    const from = pictures ? ({ kind: "pictures", pictures } as const) : ({ kind: "models", paths: weights.map(here) } as const);
    return { name, from, ...numbers };
  };
  const pretraining = picturesAt(foundation);
  const held = file["held-out"];
  const every = file["fine-tuning"]?.["validate-every"] ?? defaults["validate-every"](protocol, tuning.steps);
  const transform = target.records === null ? defaults.transform[target.images === null ? "digits" : "photographs"] : undefined;
  return {
    path,
    name: file.name,
    protocol,
    seeds: file.seeds,
    backend: [file.backend].flat()[0]!,
    backends: typeof file.backend === "string" ? [] : file.backend,
    ...(file.arithmetic === null ? {} : { arithmetic: file.arithmetic }),
    target: picturesAt(target)!,
    ...(held === "all" ? {} : { heldOut: held === "none" ? [target.test!] : [held].flat() }),
    heldOutItems: file["held-out-items"],
    validationFraction: file["validation-fraction"],
    network: {
      name: foundation.network,
      channels: foundation.channels ?? 0,
      size: foundation.size ?? 0,
      hidden: foundation.hidden ?? [],
      head: foundation.head ?? [],
    },
    foundation:
      foundation.weights !== null
        ? { kind: "model", path: here(foundation.weights) }
        : pretraining
          ? { kind: "pictures", pictures: pretraining, training: training({ ...defaults.pretraining(tuning), ...given(foundation) }) }
          : { kind: "drawn" },
    auxiliaries: file.auxiliaries.map(auxiliaryOf),
    probe: training(probe, { validateEvery: file.probe?.["validate-every"] ?? defaults["validate-every"](protocol, probe.steps) }),
    members: file["fine-tuning"]?.members ?? defaults.members(protocol),
    fineTuning: training(tuning, {
      headOnlySteps: file["fine-tuning"]?.["head-only-steps"] ?? defaults["head-only-steps"](tuning.steps),
      validateEvery: every,
    }),
    ranges: {
      draw: protocol === "domainbed" ? "domainbed/1" : "mild/1",
      learningRates: file["fine-tuning"]?.["learning-rates"] ?? defaults["learning-rates"](tuning["learning-rate"]),
      dropouts: file["fine-tuning"]?.dropouts ?? [...defaults.dropouts],
      weightDecays: file["fine-tuning"]?.["weight-decays"] ?? [...defaults["weight-decays"]],
    },
    ...(transform
      ? {
          transform: {
            training: file.transform?.training ?? transform.training,
            validation: file.transform?.validation ?? transform.validation,
          },
        }
      : {}),
    curves: file.curves,
    methods: file.methods,
    onFailure: file["on-failure"] === "continue" ? "continue" : "fail",
    sharedImages: file["shared-images"] === "allow",
    problem(key, text) {
      const mistakes: Source = { ...source, problems: [] };
      wrong({ ...at(mistakes, ...key), name: String(key.findLast((part) => typeof part === "string") ?? "") }, text);
      return new RunFileError(path, mistakes.problems);
    },
  };
}

/** Results call each start by its name. @throws RunFileError */
function checkNames(file: StudyFile): StudyFile {
  const names = file.auxiliaries.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    if (reservedNames.includes(name))
      throw file.problem(["auxiliaries", i], `has one called \`${name}\`, which results call another start: give it a \`name\``);
    if (names.indexOf(name) < i) throw file.problem(["auxiliaries", i], `has two called \`${name}\`: give one of them a \`name\``);
  }
  return file;
}

type Numbers = ReturnType<(typeof defaults)["fine-tuning"]>;

/** The numbers of a training that a file gives. */
function given(written: { readonly [K in keyof Numbers]: number | null } | null): Partial<Numbers> {
  if (written === null) return {};
  const names = ["steps", "batch", "learning-rate", "weight-decay", "dropout"] as const;
  return Object.fromEntries(names.flatMap((name) => (written[name] === null ? [] : [[name, written[name]]])));
}

/** What people call something by its path: the last part, without an extension of weights. */
function nameOf(path: string): string {
  return basename(path)
    .replace(/\.(safetensors|pth|pt|bin|ckpt)$/, "")
    .slice(0, 60);
}
