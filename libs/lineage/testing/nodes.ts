import { type BuiltManifest, buildDatasetManifest, buildModelManifest, digestOf, mediaTypes } from "#libs/recipes";
import { type LineageNode, lineageNode } from "../node.ts";

const weights = (name: string) => ({ mediaType: mediaTypes.weights, digest: digestOf(`weights of ${name}`), size: 100 });

/** The manifest of an average and those of its members, which are trained on nothing. */
export function averageOf(members: number): [BuiltManifest, ...BuiltManifest[]] {
  const trained = Array.from({ length: members }, (_, n) => {
    const files = [{ path: `member-${n}.safetensors`, digest: weights(`member ${n}`).digest, bytes: 100 }];
    const parameters = { files, licence: "Apache-2.0", source: `https://example.org/member-${n}` };
    const recipe = { kind: "import", inputs: {}, parameters } as const;
    return buildModelManifest({
      recipe,
      licences: ["Apache-2.0"],
      weights: weights(`member ${n}`),
      architecture: "resnet50",
      parameterCount: 25,
    });
  });
  const recipe = {
    kind: "average",
    inputs: { models: trained.map(({ digest }) => digest) },
    parameters: { method: "uniform", dtype: "F32" },
    arithmetic: "exact-mean/1",
  } as const;
  const licences = ["Apache-2.0", "LicenseRef-own"];
  return [buildModelManifest({ recipe, licences, weights: weights("average"), architecture: "resnet50", parameterCount: 25 }), ...trained];
}

/** A data set that was drawn, without a licence. */
export function drawnDataset(): BuiltManifest {
  const parameters = { generator: "glyphs/1", classes: 2, images: 4, styles: ["plain"], rotation: 0, alphabetSeed: 1 };
  const data = { mediaType: mediaTypes.datasetLayer, digest: digestOf("data"), size: 10 };
  return buildDatasetManifest({ recipe: { kind: "dataset", inputs: {}, parameters, seed: 1 }, licences: [], data });
}

/** Nodes of manifests; the first is called birds:1.0. */
export function nodesOf([first, ...others]: readonly [BuiltManifest, ...BuiltManifest[]]): [LineageNode, ...LineageNode[]] {
  const metrics = [{ name: "accuracy", value: 0.925 }];
  return [
    lineageNode({ manifest: first.manifest, names: ["birds:1.0"], architecture: "resnet50", metrics }),
    ...others.map(({ manifest }) => lineageNode({ manifest })),
  ];
}
