/** The part of the client that runs anywhere, in browsers, too. */
export { type ArtifactInfo, infoOf } from "./artifact-info.ts";
export { type AverageOptions, average } from "./average.ts";
export { type CatalogReads, type LineageOptions, type ListOptions, readsOf } from "./catalog.ts";
export { type RunSpecification, type Runs, runsOf } from "./runs.ts";
export { type OpenOptions, openSession, type SessionReads, type SessionState, sessionReads } from "./sessions.ts";
