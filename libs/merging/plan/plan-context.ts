import type { ModelFiles } from "#libs/models";
import type { Method } from "../method.ts";
import type { completeFor } from "./complete.ts";
import type { inputTable } from "./inputs.ts";
import type { MergeRequest } from "./request.ts";

/** What planning a tensor needs to know. */
export type PlanContext = {
  readonly request: MergeRequest;
  readonly method: Method;
  readonly models: readonly ModelFiles[];
  readonly mixedTypes: boolean;
  readonly complete: ReturnType<typeof completeFor>;
  readonly inputs: ReturnType<typeof inputTable>;
};
