import type { Binding } from "#libs/tensorflow";
import { createArena } from "../arena.ts";
import type { Kernels, Tensor } from "../kernels.ts";
import { attributesOf } from "./attributes.ts";
import { convolutions } from "./convolutions.ts";
import { createRunner, type Handle } from "./runner.ts";
import { createVariable } from "./variable.ts";

/** TensorFlow's operations, by the names of its registry. */
export function tensorflowKernels(binding: Binding): Kernels {
  const arena = createArena<Handle>(({ id }) => binding.deleteTensor(id));
  const runner = createRunner(binding, arena);
  const { run, constant, whole } = runner;
  const attributes = attributesOf(binding);
  const { floats, integers, bytes, flag, float, integer, text } = attributes;
  const fromBytes = [bytes("SrcT"), floats("DstT"), flag("Truncate", false)];
  const T = [floats()];
  const unary = (name: string) => (x: Tensor) => run(name, T, [x]);
  const binary = (name: string) => (a: Tensor, b: Tensor) => run(name, T, [a, b]);
  const multiply = binary("Mul");
  const add = binary("AddV2");

  return {
    get count() {
      return arena.count;
    },
    scope: (work, kept) => arena.scope(work, (result) => kept(result) as readonly Handle[]),
    dispose: (tensor) => arena.dispose(tensor as Handle),
    tensor: (data, shape) => arena.own({ id: binding.createTensor(shape, binding.TF_FLOAT, data), shape }),
    bytes(data, shape) {
      const raw = binding.createTensor(shape, binding.TF_UINT8, data);
      try {
        return run("Cast", fromBytes, [{ id: raw, shape } as Handle]);
      } finally {
        binding.deleteTensor(raw);
      }
    },
    numbers: (tensor) => binding.tensorDataSync((tensor as Handle).id) as Float32Array,
    variable: (shape, state) => createVariable(binding, arena, runner, shape, state),

    reshape: (x, shape) => run("Reshape", [floats(), integers("Tshape")], [x, whole(shape)]),
    transpose: (x, order) => run("Transpose", [floats(), integers("Tperm")], [x, whole(order)]),
    slice: (x, begin, size) => run("Slice", [floats(), integers("Index")], [x, whole(begin), whole(size)]),
    concat: (xs, axis) => run("ConcatV2", [integer("N", xs.length), floats(), integers("Tidx")], [...xs, whole(axis)]),
    sum: (x, axes) => run("Sum", [flag("keep_dims", true), floats(), integers("Tidx")], [x, whole(axes)]),

    add,
    subtract: binary("Sub"),
    multiply,
    times: (x, factor) => multiply(x, constant(factor)),
    plus: (x, summand) => add(x, constant(summand)),
    reciprocalRoot: unary("Rsqrt"),
    exponential: unary("Exp"),
    errorFunction: unary("Erf"),
    softmax: unary("Softmax"),
    relu: unary("Relu"),
    relu6: unary("Relu6"),
    reluGradient: binary("ReluGrad"),
    relu6Gradient: binary("Relu6Grad"),

    normalise(x, { weight, bias, mean, variance, epsilon }) {
      const fixed = [floats(), floats("U"), float("epsilon", epsilon), text("data_format", "NHWC"), flag("is_training", false)];
      return run("FusedBatchNormV3", fixed, [x, weight, bias, mean, variance], 6);
    },

    product(a, b, { a: left = false, b: right = false } = {}) {
      if (a.shape.length === 2) return run("MatMul", [flag("transpose_a", left), flag("transpose_b", right), floats()], [a, b]);
      return run("BatchMatMulV2", [flag("adj_x", left), flag("adj_y", right), floats()], [a, b]);
    },
    ...convolutions(runner, attributes, binding.isUsingGpuDevice()),
  };
}
