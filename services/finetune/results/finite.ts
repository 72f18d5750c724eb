import { ELEMENT_BYTES, type ElementType, type Kernels, loadKernels } from "#libs/kernels";
import { isWidenable, placeText, type SafetensorsFile, type TensorEntry, widen } from "#libs/tensors";
import { excerpt } from "#libs/text";

/** Bytes that are looked at without giving way to others. A multiple of every element's size. */
const PIECE_BYTES = 1 << 20;

/**
 * The first number of a file that is NaN or infinite, as a sentence; undefined where there is none. A file is walked from its beginning to
 * its end, a piece at a time. Whole numbers are always finite, and so is what is smaller than a byte.
 */
export async function notFinite({ header, names, read }: SafetensorsFile): Promise<string | undefined> {
  for (const name of names) {
    const entry = header.tensors.get(name)!;
    const firstIn = scanOf(entry);
    if (!firstIn) continue;
    for (let begin = 0; begin < entry.end - entry.begin; begin += PIECE_BYTES) {
      const bytes = await read(name, { offset: begin, length: Math.min(PIECE_BYTES, entry.end - entry.begin - begin) });
      const found = firstIn.scan(bytes);
      if (!found) continue;
      const place = begin / firstIn.elementBytes + found.at;
      return `tensor ${excerpt(name)} is not finite${placeText(place, entry.shape)}: ${found.value}`;
    }
  }
  return undefined;
}

type Found = { readonly at: number; readonly value: number };
type Scan = { readonly elementBytes: number; readonly scan: (bytes: Uint8Array) => Found | undefined };

/** How numbers of a type are looked at; undefined where all are finite. */
function scanOf({ dtype }: TensorEntry): Scan | undefined {
  if (Object.hasOwn(ELEMENT_BYTES, dtype))
    return { elementBytes: ELEMENT_BYTES[dtype as ElementType], scan: byKernel(dtype as ElementType) };
  // Each of its two halves is a number.
  if (dtype === "C64") return { elementBytes: 8, scan: (bytes) => halved(byKernel("F32")(bytes)) };
  if (!/^F8/.test(dtype) || !isWidenable(dtype)) return undefined;
  return {
    elementBytes: 1,
    scan(bytes) {
      const values = new Float32Array(bytes.length);
      widen(dtype, bytes, values);
      return firstOf(values);
    },
  };
}

let shared: { readonly kernels: Kernels; readonly address: number } | undefined;

function byKernel(type: ElementType): Scan["scan"] {
  if (!shared) {
    const kernels = loadKernels();
    shared = { kernels, address: kernels.allocate(PIECE_BYTES) };
  }
  const { kernels, address } = shared;
  return (bytes) => {
    kernels.bytes(address, bytes.length).set(bytes);
    const at = kernels.firstNotFinite(type, address, bytes.length / ELEMENT_BYTES[type]);
    if (at < 0) return undefined;
    const value = new Float64Array(1);
    widen(type, bytes.subarray(at * ELEMENT_BYTES[type], (at + 1) * ELEMENT_BYTES[type]), value);
    return { at, value: value[0]! };
  };
}

function halved(found: Found | undefined): Found | undefined {
  return found && { ...found, at: Math.floor(found.at / 2) };
}

function firstOf(values: Float32Array): Found | undefined {
  const at = values.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? undefined : { at, value: values[at]! };
}
