import type { KernelBackend, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { createArena } from "../arena.ts";
import type { Kernels, Tensor } from "../kernels.ts";
import { convolutions } from "./convolutions.ts";
import { missingGradients } from "./missing-gradients.ts";
import type { Info, RunKernel } from "./run-kernel.ts";
import { createVariable } from "./variable.ts";

/** The kernels of a backend of tfjs that is loaded, without tfjs's engine around them. */
export function tfjsKernels(name: "wasm" | "cpu"): Kernels {
  const backend = tf.engine().findBackend(name) as KernelBackend;
  const arena = createArena<Info>(({ dataId }) => void backend.disposeData(dataId));
  const run: RunKernel = (kernel, inputs, attributes = {}) => {
    const found = tf.getKernel(kernel, name);
    if (!found) throw new Error(`The backend ${name} of tfjs has no kernel ${kernel}`);
    const typed = Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, { ...tensor, dtype: "float32" }]));
    const given = (Array.isArray(inputs) ? Object.values(typed) : typed) as tf.NamedTensorInfoMap;
    const { dataId, shape } = found.kernelFunc({ inputs: given, backend, attrs: attributes as tf.NamedAttrMap }) as TensorInfo;
    return arena.own({ dataId, shape });
  };
  const create = (data: Float32Array, shape: readonly number[]) => ({ dataId: backend.write(data, [...shape], "float32"), shape });
  const tensor = (data: Float32Array, shape: readonly number[]) => arena.own(create(data, shape));
  const constant = (value: number) => tensor(Float32Array.of(value), []);
  const unary = (kernel: string) => (x: Tensor) => run(kernel, { x });
  const binary = (kernel: string) => (a: Tensor, b: Tensor) => run(kernel, { a, b });
  const [add, subtract, multiply, relu, relu6] = [binary("Add"), binary("Sub"), binary("Multiply"), unary("Relu"), unary("Relu6")];
  const reshape = (x: Tensor, shape: readonly number[]) => run("Reshape", { x }, { shape: [...shape] });
  const transpose = (x: Tensor, order: readonly number[]) => run("Transpose", { x }, { perm: [...order] });
  /** 1 where a number is above 0, else 0. */
  const step = (x: Tensor) => run("Step", { x }, { alpha: 0 });

  /** Plain products are several times as fast as transposed ones. */
  const product: Kernels["product"] = (a, b, transposed = {}) => {
    const flip = (x: Tensor) => {
      const order = x.shape.map((_, axis) => axis);
      return transpose(x, [...order.slice(0, -2), ...order.slice(-2).reverse()]);
    };
    const [left, right] = [transposed.a ? flip(a) : a, transposed.b ? flip(b) : b];
    const stacked = (x: Tensor) => (x.shape.length === 2 ? reshape(x, [1, ...x.shape]) : x);
    const result = run("BatchMatMul", { a: stacked(left), b: stacked(right) }, { transposeA: false, transposeB: false });
    return a.shape.length === 2 ? reshape(result, result.shape.slice(1)) : result;
  };

  const kernels: Omit<Kernels, keyof ReturnType<typeof convolutions>> = {
    get count() {
      return arena.count;
    },
    scope: (work, kept) => arena.scope(work, (result) => kept(result) as readonly Info[]),
    dispose: (x) => arena.dispose(x as Info),
    tensor,
    bytes: (data, shape) => tensor(Float32Array.from(data), shape),
    // A view of the backend's memory, in wasm.
    numbers: (x) => (backend.readSync((x as Info).dataId) as Float32Array).slice(),
    variable: (shape, state) => createVariable(tensor, (x) => backend.readSync((x as Info).dataId) as Float32Array, shape, state),
    reshape,
    transpose,
    slice: (x, begin, size) => run("Slice", { x }, { begin: [...begin], size: [...size] }),
    concat: (xs, axis) => run("Concat", xs, { axis }),
    sum(x, axes) {
      const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      return reshape(run("Sum", { x }, { axis: [...axes], keepDims: false }), shape);
    },
    add,
    subtract,
    multiply,
    times: (x, factor) => multiply(x, constant(factor)),
    plus: (x, summand) => add(x, constant(summand)),
    reciprocalRoot: unary("Rsqrt"),
    exponential: unary("Exp"),
    errorFunction: unary("Erf"),
    softmax: (logits) => run("Softmax", { logits }, { dim: logits.shape.length - 1 }),
    relu,
    relu6,
    reluGradient: (gradient, output) => multiply(gradient, step(output)),
    relu6Gradient: (gradient, output) => multiply(gradient, multiply(step(output), step(subtract(constant(6), output)))),
    normalise: (x, { mean, variance, weight, bias, epsilon }) =>
      run("FusedBatchNorm", { x, mean, variance, scale: weight, offset: bias }, { varianceEpsilon: epsilon }),
    product,
  };
  const own = convolutions(run);
  return {
    ...kernels,
    ...own,
    ...(name === "wasm" ? missingGradients(run, kernels, own) : {}),
    get count() {
      return arena.count;
    },
  };
}
