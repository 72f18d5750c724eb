import { planSafetensors, type SafetensorsFile, type SafetensorsPlan, type TensorLayout, tensorBytes, widen } from "#libs/tensors";
import { averageWindow, type LinearAverage, type Values } from "./average-window.ts";
import { isAveraged, type Mismatch } from "./compatibility.ts";
import { IncompatibleModelsError, NotFiniteError } from "./errors.ts";

/** Models of one layout and how they are averaged. */
export type AverageJob = {
  readonly members: readonly SafetensorsFile[];
  /** The tensors to average, with the types that the members have. */
  readonly layout: readonly TensorLayout[];
  readonly average: LinearAverage;
  /** Elements of a tensor that are in memory at a time, of each member. Does not change the result. */
  readonly windowElements: number;
};

/** The file that `averageModels` writes: floating-point tensors become F32, others keep their type. */
export function planAverage(layout: readonly TensorLayout[]): SafetensorsPlan {
  const output = layout.map(({ name, dtype, shape }) => ({ name, dtype: isAveraged(dtype) ? ("F32" as const) : dtype, shape }));
  return planSafetensors(output, { format: "pt" });
}

/** Bytes of the members that an average reads. */
export function bytesToRead({ members, layout }: Pick<AverageJob, "members" | "layout">): number {
  return members.length * layout.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
}

/**
 * Writes the average as a safetensors file, piece by piece, window by window: memory does not grow with the models.
 * `onRead` hears how many bytes of the members have been read since it was last called.
 * Throws NotFiniteError, and IncompatibleModelsError where tensors of whole numbers or truth values do not agree.
 */
export async function* averageModels(
  job: AverageJob,
  { signal, onRead }: { readonly signal: AbortSignal; readonly onRead: (bytes: number) => void },
): AsyncGenerator<Uint8Array, void, undefined> {
  const plan = planAverage(job.layout);
  const layouts = new Map(job.layout.map((tensor) => [tensor.name, tensor]));
  const unequal: Mismatch[] = [];
  yield plan.header;
  for (const name of plan.offsets.keys()) {
    const tensor = layouts.get(name)!;
    const elements = tensor.shape.reduce((a, b) => a * b, 1);
    for (let begin = 0; begin < elements; begin += job.windowElements) {
      const count = Math.min(job.windowElements, elements - begin);
      const windows = await readWindows(job.members, tensor, begin, count, signal);
      onRead(windows.reduce((sum, { length }) => sum + length, 0));
      if (isAveraged(tensor.dtype)) yield averageBytes(tensor, windows, begin, count, job.average);
      else if (allEqual(windows)) yield windows[0]!;
      else {
        unequal.push({ tensor: name, problem: `${tensor.dtype} values have to agree in all models, and they differ` });
        break;
      }
    }
  }
  if (unequal.length > 0) throw new IncompatibleModelsError(unequal);
}

async function readWindows(
  members: readonly SafetensorsFile[],
  { name, dtype }: TensorLayout,
  begin: number,
  count: number,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const size = tensorBytes(dtype, [1]);
  const windows: Uint8Array[] = [];
  for (let first = 0; first < members.length; first += CONCURRENT_READS) {
    signal.throwIfAborted();
    const group = members.slice(first, first + CONCURRENT_READS);
    windows.push(...(await Promise.all(group.map((member) => member.read(name, { offset: begin * size, length: count * size })))));
  }
  return windows;
}

// More reads at once than this only queue up at the catalog.
const CONCURRENT_READS = 16;

function averageBytes(
  { name, dtype }: TensorLayout,
  windows: readonly Uint8Array[],
  begin: number,
  count: number,
  average: LinearAverage,
): Uint8Array {
  const values = windows.map((window): Values => {
    // F16 and BF16 fit into float32 without loss, and float32 products are exact: only F64 needs more.
    const numbers = dtype === "F64" ? new Float64Array(count) : new Float32Array(count);
    widen(dtype, window, numbers);
    return numbers;
  });
  const out = new Float32Array(count);
  const bad = averageWindow(values, average, out);
  if (bad >= 0)
    throw notFinite(
      name,
      begin + bad,
      values.map((window) => window[bad]!),
    );
  return new Uint8Array(out.buffer);
}

function notFinite(tensor: string, element: number, values: readonly number[]): NotFiniteError {
  const culprits = values.flatMap((value, model) => (Number.isFinite(value) ? [] : [`models[${model}] has ${value} there`]));
  const why = culprits.length > 0 ? culprits.join(", ") : "the average is too large for F32";
  return new NotFiniteError(`tensor ${JSON.stringify(tensor)} is not finite at element ${element}: ${why}`);
}

function allEqual(windows: readonly Uint8Array[]): boolean {
  return windows.every((window) => Buffer.compare(window, windows[0]!) === 0);
}
