export { parseRunFile, type RunSpecDraft } from "./digits/parse.ts";
export { renderRunFile } from "./digits/render.ts";
export { type RunFileKind, runFileKind } from "./kind.ts";
export { type Problem, RunFileError } from "./problems.ts";
export { withPaces } from "./study/pace.ts";
export { parseStudyFile } from "./study/parse.ts";
export { renderStudyFile } from "./study/render.ts";
export { folderGenerator, type StudyFound, studySpec, type TaskFound } from "./study/specification.ts";
export type { PicturesAt, StudyAuxiliary, StudyFile, StudyTraining } from "./study/study.ts";
