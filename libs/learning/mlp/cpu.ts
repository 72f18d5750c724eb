import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import * as cpuBackend from "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { loadCpu } from "../tfjs.ts";
import { type Backend, checkProduct, type Matrix, type Workspace } from "./matrix.ts";

/** tfjs's plain JavaScript backend: slow, and a second opinion on every number. */
export async function openCpu(arithmetic: string): Promise<Backend> {
  loadCpu();
  const kernel = tf.getKernel("BatchMatMul", "cpu");
  const engine = tf.engine().findBackend("cpu") as MathBackendCPU;
  if (!arithmetic.startsWith(`tfjs-cpu/${cpuBackend.version_cpu} `))
    throw new Error(`Expected ${arithmetic}, found ${cpuBackend.version_cpu}`);
  let matrices = 0;

  function workspace(): Workspace {
    let own = 0;
    const create = (rows: number, columns: number, values: Float32Array): Matrix => {
      own += 1;
      matrices += 1;
      return { rows, columns, values };
    };
    const tensor = ({ rows, columns, values }: Matrix) => engine.makeTensorInfo([1, rows, columns], "float32", values);
    return {
      matrix: (rows, columns) => create(rows, columns, new Float32Array(rows * columns)),
      part: (whole, offset, rows, columns) => create(rows, columns, whole.values.subarray(offset, offset + rows * columns)),
      multiply(a, b, out) {
        checkProduct(a, b, out);
        const inputs = { a: tensor(a), b: tensor(b) };
        const product = kernel.kernelFunc({ inputs, backend: engine, attrs: { transposeA: false, transposeB: false } }) as tf.TensorInfo;
        out.values.set(engine.readSync(product.dataId) as Float32Array);
        for (const info of [inputs.a, inputs.b, product]) engine.disposeIntermediateTensorInfo(info);
      },
      [Symbol.dispose]() {
        matrices -= own;
        own = 0;
      },
    };
  }

  return {
    name: "cpu",
    arithmetic,
    get matrices() {
      return matrices;
    },
    workspace,
  };
}
