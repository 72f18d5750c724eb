/** What each thread of a merge runs: it reads ranges of the inputs, makes them, and writes them to the outputs. */
import { loadKernels } from "#libs/kernels";
import type { Runner, ThreadContext } from "#libs/threads";
import { loadMethods } from "../methods/load-methods.ts";
import { openInputFiles, openOutputFiles } from "./files.ts";
import { makeRows, reduceGram } from "./make-gram.ts";
import { makeAgreement, makeMaximum } from "./make-integers.ts";
import { makeCombination, makeMean } from "./make-linear.ts";
import { makeInOneGo, makeRange, reduceRange } from "./make-ranges.ts";
import { makeWhole } from "./make-whole.ts";
import type { Order, Orders, OrdersResult, ThreadSetup } from "./order.ts";
import { type Making, makingOf } from "./spans.ts";
import type { Workplace } from "./workplace.ts";

/** Opens nothing yet; files are opened when they are needed. */
export async function setup(setup: ThreadSetup, { cancelled }: ThreadContext): Promise<Runner<Orders, OrdersResult>> {
  const methods = await loadMethods(setup.methods);
  using stack = new DisposableStack();
  const inputs = stack.use(openInputFiles(setup.inputs, setup.openFiles));
  const outputs = stack.use(openOutputFiles(setup.outputs));
  const workplace: Workplace = {
    ...{ kernels: loadKernels(), inputs, outputs, names: setup.names, methods },
    ...{ memoryBytes: setup.memoryBytes, cancelled },
  };
  const opened = stack.move();
  // Ranges of one tensor come one after another: its program is made once.
  let known: { readonly name: string; readonly making: Making } | undefined;
  return {
    run(orders) {
      const total = { readBytes: 0, redone: 0, unequal: [] as string[], reduced: undefined as unknown };
      for (const order of orders) {
        if (cancelled()) throw new Error("the merge was cancelled");
        const { name } = order.tensor;
        if (known?.name !== name) known = { name, making: makingOf(order.tensor, setup, (method) => methods.get(method)) };
        const made = make(workplace, order, known.making);
        total.readBytes += made.readBytes;
        total.redone += made.redone ?? 0;
        if (made.agree === false) total.unequal.push(name);
        total.reduced = made.reduced;
      }
      return total;
    },
    transfer: ({ reduced }) => [...buffersOf(reduced)],
    close: () => opened.dispose(),
  };
}

/** Buffers of typed arrays, however deep in plain data. None of a reduction's state is in the memory of the kernels. */
function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) found.add(value.buffer as ArrayBuffer);
  else if (typeof value === "object" && value !== null) for (const field of Object.values(value)) buffersOf(field, found);
  return found;
}

type Outcome = { readBytes: number; redone?: number; agree?: boolean; reduced?: unknown };

function make(workplace: Workplace, order: Order, making: Making): Outcome {
  switch (making.kind) {
    case "agree":
      return makeAgreement(workplace, order);
    case "maximum":
      return makeMaximum(workplace, order);
    case "mean":
      return makeMean(workplace, order, making.weights, making.divisor);
    case "combine":
      return makeCombination(workplace, order, making.coefficients);
    case "gram":
      if (making.scope === "row") return makeRows(workplace, order, making);
      return order.task === "reduce" ? reduceGram(workplace, order, making) : makeCombination(workplace, order, order.coefficients!);
    case "ranges":
      if (order.task === "reduce") return reduceRange(workplace, order, making);
      return order.task === "all" ? makeInOneGo(workplace, order, making) : makeRange(workplace, order, making);
    case "whole":
      return makeWhole(workplace, order, making);
    default:
      throw making satisfies never;
  }
}
