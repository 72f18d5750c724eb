import { AdapterError, type AdapterPlan, type AdapterRequest, planAdapters, runAdapters } from "#libs/merging";
import { UsageError } from "#libs/service/process";
import { mainDtype } from "#libs/tensors";
import { MEMORY } from "./estimate.ts";
import type { PreparedMerge } from "./prepared-merge.ts";

/** Bytes a second of the result that one thread makes of products of low rank. */
const SPEED = 0.3e9;

/** An average of adapters, ready to be run. @throws UsageError with everything for which it cannot be planned */
export function prepareAdapters(request: AdapterRequest): PreparedMerge {
  const plan = planned(request);
  const { key, inputs, outputs, index, config, tied } = plan;
  const readBytes = inputs.reduce((sum, { size }) => sum + size, 0);
  const writtenBytes = outputs.reduce((sum, { size }) => sum + size, 0);
  return {
    ...{ key, inputs, outputs, index, config, tied },
    arithmetic: "adapters/1",
    dtype: mainDtype(plan.tensors.map(({ dtype, rows, columns }) => ({ dtype, elements: rows * columns }))),
    resumes: false,
    needs: (threads) => ({
      ...{ readBytes, writtenBytes },
      memoryBytes: MEMORY.process + threads * MEMORY.thread,
      seconds: writtenBytes / (SPEED * threads),
      steps: [{ method: "products of adapters", tensors: plan.tensors.length, bytes: readBytes, passes: 1, atMost: false }],
    }),
    async run({ onProgress, ...options }) {
      const { files } = await runAdapters(plan, {
        ...options,
        onProgress: ({ writtenBytes: readNow, totalBytes }) => onProgress({ readBytes: readNow, totalBytes }),
      });
      return { files, readBytes, resumed: false, redone: 0 };
    },
  };
}

function planned(request: AdapterRequest): AdapterPlan {
  try {
    return planAdapters(request);
  } catch (cause) {
    if (cause instanceof AdapterError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
