import { version_wasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { loadWasm } from "../tfjs.ts";
import { type Backend, checkProduct, type Matrix, type Workspace } from "./matrix.ts";

/** What this file uses of tfjs's wasm module (4.22.0). Its kernels know tensors by number; the memory is shared with JavaScript. */
type WasmModule = {
  readonly HEAPF32: Float32Array;
  readonly HEAP32: Int32Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  readonly tfjs: {
    registerTensor(id: number, size: number, pointer: number): void;
    disposeData(id: number): void;
  };
  readonly asm: { readonly _FusedMatMul: FusedMatMul };
};
type FusedMatMul = (
  a: number,
  aShape: number,
  aRank: number,
  b: number,
  bShape: number,
  bRank: number,
  transposeA: number,
  transposeB: number,
  activation: number,
  bias: number,
  prelu: number,
  leakyReluAlpha: number,
  out: number,
) => void;

type WasmMatrix = Matrix & { readonly id: number; readonly pointer: number; readonly shape: number };

/**
 * tfjs's WebAssembly backend with SIMD and without threads, whose results have the same bits on every runtime.
 * Matrices are tensors at a fixed place of its memory, so nothing is copied and nothing allocated in a step.
 */
export async function openWasm(arithmetic: string): Promise<Backend> {
  if (!arithmetic.startsWith(`tfjs-wasm-simd/${version_wasm} `)) {
    throw new Error(`Expected ${arithmetic}, found ${version_wasm}`);
  }
  const { wasm, nextId } = await load();
  let matrices = 0;

  function workspace(): Workspace {
    const release: (() => void)[] = [];
    function create(rows: number, columns: number, pointer: number): WasmMatrix {
      const size = rows * columns;
      const id = nextId();
      const shape = wasm._malloc(12) >>> 0;
      wasm.HEAP32.set([1, rows, columns], shape >>> 2);
      wasm.tfjs.registerTensor(id, size, pointer);
      matrices += 1;
      release.push(() => {
        wasm.tfjs.disposeData(id);
        wasm._free(shape);
        matrices -= 1;
      });
      let view = new Float32Array(wasm.HEAPF32.buffer, pointer, size);
      return {
        rows,
        columns,
        id,
        pointer,
        shape,
        get values() {
          if (view.buffer !== wasm.HEAPF32.buffer) view = new Float32Array(wasm.HEAPF32.buffer, pointer, size);
          return view;
        },
      };
    }
    return {
      matrix(rows, columns) {
        const pointer = wasm._malloc(4 * rows * columns) >>> 0;
        if (pointer === 0) throw new RangeError(`No memory for a matrix of ${rows} x ${columns} numbers`);
        release.push(() => wasm._free(pointer));
        const matrix = create(rows, columns, pointer);
        matrix.values.fill(0);
        return matrix;
      },
      part: (whole, offset, rows, columns) => create(rows, columns, (whole as WasmMatrix).pointer + 4 * offset),
      multiply(left, right, result) {
        checkProduct(left, right, result);
        const [a, b, out] = [left as WasmMatrix, right as WasmMatrix, result as WasmMatrix];
        wasm.asm._FusedMatMul(a.id, a.shape, 3, b.id, b.shape, 3, 0, 0, 0, 0, 0, 0, out.id);
        // The kernel keeps a packed copy of `b` for as long as the tensor lives; we change numbers in place.
        wasm.tfjs.disposeData(b.id);
        wasm.tfjs.registerTensor(b.id, b.rows * b.columns, b.pointer);
      },
      [Symbol.dispose]() {
        for (const free of release.splice(0).reverse()) free();
      },
    };
  }

  return {
    name: "wasm",
    arithmetic,
    get matrices() {
      return matrices;
    },
    workspace,
  };
}

async function load(): Promise<{ wasm: WasmModule; nextId(): number }> {
  await loadWasm();
  const backend = tf.backend() as unknown as { wasm: WasmModule; dataIdNextNumber: number };
  return {
    wasm: backend.wasm,
    nextId() {
      const id = backend.dataIdNextNumber;
      backend.dataIdNextNumber += 1;
      return id;
    },
  };
}
