export { type Artifacts, createArtifacts } from "./artifacts.ts";
export { blobSource } from "./blob-source.ts";
export { createFoundationFinder, type Foundation } from "./foundation.ts";
export { isName, REGISTRY_REFS } from "./own-refs.ts";
export type { RemoteTensor, TensorSelection } from "./tensors.ts";
export { unpublishedArtifact } from "./unpublished.ts";
