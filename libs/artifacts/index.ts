export { type Artifacts, createArtifacts } from "./artifacts.ts";
