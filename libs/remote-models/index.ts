export { fetchModel, RECIPE_FILE, recipeFile, WEIGHTS_FILE } from "./fetch-model.ts";
export { findArtifact } from "./find-artifact.ts";
export { importModel } from "./import-model.ts";
export { openCatalogModel } from "./open-catalog-model.ts";
export { type RemoteRequest, remoteMerge } from "./remote-merge.ts";
