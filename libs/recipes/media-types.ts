/** Media types of artifacts, their configs and layers (OCI image spec, CNCF ModelPack, and our own where none exists). */
export const mediaTypes = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  model: "application/vnd.cncf.model.manifest.v1+json",
  modelConfig: "application/vnd.cncf.model.config.v1+json",
  weights: "application/vnd.cncf.model.weight.v1.raw",
  document: "application/vnd.cncf.model.doc.v1.raw",
  dataset: "application/vnd.ratatouille.dataset.v1+json",
  datasetLayer: "application/vnd.cncf.model.dataset.v1.raw",
  evaluation: "application/vnd.ratatouille.evaluation.v1+json",
  evaluationLayer: "application/json",
  split: "application/vnd.ratatouille.split.v1+json",
  splitLayer: "application/vnd.ratatouille.split.v1.safetensors",
  prediction: "application/vnd.ratatouille.prediction.v1+json",
  predictionLayer: "application/vnd.ratatouille.prediction.v1.safetensors",
  looks: "application/vnd.ratatouille.looks.v1+json",
  looksLayer: "application/vnd.ratatouille.looks.v1.safetensors",
  /** Pictures of a data set or of an import, as a tar archive. */
  shard: "application/x-tar",
  /** Records of an import: see packRecords in libs/record-sets. */
  recordShard: "application/vnd.ratatouille.records.v1",
  source: "application/vnd.ratatouille.source.v1+json",
  sourceLayer: "application/octet-stream",
  empty: "application/vnd.oci.empty.v1+json",
} as const;

/** Annotations of manifests and layers. */
export const annotations = {
  recipe: "org.ratatouille.recipe",
  recipeKey: "org.ratatouille.recipe.key",
  summary: "org.ratatouille.summary",
  /** What a model is for, as Hugging Face's cards name it (`pipeline_tag`), such as "image-classification". */
  task: "org.ratatouille.task",
  licences: "org.opencontainers.image.licenses",
  title: "org.opencontainers.image.title",
  modelPath: "org.cncf.model.filepath",
} as const;
