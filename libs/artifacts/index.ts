export { type Artifacts, createArtifacts } from "./artifacts.ts";
export { unpublishedArtifact } from "./unpublished.ts";
