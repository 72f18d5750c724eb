import { AdapterError, type AdapterPlan, type AdapterRequest, planAdapters, runAdapters } from "#libs/merging";
import { UsageError } from "#libs/service/process";
import { dtypes } from "#libs/tensors";
import { MEMORY } from "./estimate.ts";
import type { Work } from "./work.ts";

/** Bytes a second of the result that one thread makes of products of low rank. */
const SPEED = 0.3e9;

/** An average of adapters, ready to be done. @throws UsageError with everything for which it cannot be planned */
export function adapterWork(request: AdapterRequest): Work {
  const plan = planned(request);
  const { key, inputs, outputs, index, config } = plan;
  const readBytes = inputs.reduce((sum, { size }) => sum + size, 0);
  const writtenBytes = outputs.reduce((sum, { size }) => sum + size, 0);
  return {
    ...{ key, inputs, outputs, index, config },
    arithmetic: "adapters/1",
    dtype: mainDtype(plan),
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
      return { files, readBytes, resumed: false, redone: 0, overflowed: 0 };
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

/** The type of most bytes that are written. */
function mainDtype({ tensors }: AdapterPlan): string {
  const bits = new Map<string, number>();
  for (const { dtype, rows, columns } of tensors) bits.set(dtype, (bits.get(dtype) ?? 0) + rows * columns * dtypes.get(dtype)!.bits);
  return [...bits].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? "F32";
}
