export { parseRunFile, type RunSpecDraft } from "./parse.ts";
export { type Problem, RunFileError } from "./problems.ts";
export { renderRunFile } from "./render.ts";
