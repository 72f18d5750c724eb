import { BLOCK, type Reduction } from "../method.ts";
import { addDots } from "./make-gram.ts";
import { mergeBlocks } from "./make-ranges.ts";
import type { Order, OrdersResult } from "./order.ts";
import type { Span } from "./spans.ts";
import { isMadeInOneGo, type Piece, REDUCED_BLOCKS, readBytesOf, type Unit } from "./units.ts";

/** What a thread does next. */
export type Task = { readonly orders: readonly Order[] } & (
  | { readonly unit: Unit }
  | { readonly unit?: undefined; readonly span: number; readonly part: number }
);

/** Which ranges may be made when. A state machine over plain data: threads and files are the caller's. */
export type Schedule = {
  /** Undefined where nothing can be done before something else has ended, or at all. */
  next(): Task | undefined;
  /** Says what a task gave. Returns what reductions over the whole model gave, if this was the last of one. */
  finish(task: Task, result: OrdersResult): { readonly total: string; readonly value: unknown } | undefined;
  /** Bytes that are read for all that is not done yet, if every pass is needed. */
  readonly bytesToRead: number;
  /** What of `bytesToRead` a task accounts for. */
  plannedBytes(task: Task): number;
  /** What of `bytesToRead` nobody reads: passes that have turned out not to be needed, or were made before. */
  skippedBytes(): number;
};

/** A reduction over a span that is under way: step `step` of them, of which `left` parts have not ended. */
type Progress = {
  readonly span: Span;
  readonly steps: readonly Reduction[];
  readonly results: unknown[];
  /** Of order "blocks": what each part gave. Of order "any": all that has come so far, merged. */
  parts: unknown[];
  left: number;
};

/** What is known of a merge that was interrupted. */
export type Known = { readonly done: ReadonlySet<number>; readonly totals: ReadonlyMap<string, unknown> };

/**
 * Reductions of a tensor first, then the tensor, and only then the next: what was read is still in the page cache. Reductions over the
 * whole model wait for all tensors.
 */
export function createSchedule(spans: readonly Span[], units: readonly Unit[], known: Known): Schedule {
  const totals = new Map(known.totals);
  const states = new Map<number, Progress>();
  const groups = new Map<string, Map<number, unknown>>();
  // What comes next is at the end.
  const stack: Task[] = [];
  let skipped = 0;
  const open = units.filter(({ index }) => !known.done.has(index));
  const written = Map.groupBy(
    open.filter(({ reduced }) => reduced),
    ({ pieces }) => pieces[0]!.span,
  );

  for (const span of spans) {
    const steps = stepsOf(span);
    if (steps.length === 0 || isMadeInOneGo(span)) continue;
    for (const [step, { scope }] of steps.entries()) {
      const name = totalName(span, step);
      if (scope === "model" && !totals.has(name)) groups.set(name, (groups.get(name) ?? new Map()).set(span.index, undefined));
    }
    states.set(span.index, { span, steps, results: [], parts: [], left: 0 });
  }
  const isNeeded = ({ span, steps }: Progress) =>
    written.has(span.index) || steps.some(({ scope }, step) => scope === "model" && !totals.has(totalName(span, step)));
  const needed = [...states.values()].filter(isNeeded);
  const reading = needed.reduce((sum, { span, steps }) => sum + steps.length * readBytesOf(span.tensor, span.elements), 0);
  const bytesToRead = reading + open.reduce((sum, unit) => sum + bytesToReadFor(unit), 0);

  // Whole numbers first: where they disagree, nothing else has to be done.
  const simple = open.filter(({ reduced }) => !reduced);
  const first = simple.filter(hasAgreement);
  for (const state of needed.toReversed()) begin(state);
  // Simple units go between the tensors that are reduced, in the order of the output, as the digest is made in that order.
  const queue = [...first, ...simple.filter((unit) => !hasAgreement(unit))];
  stack.sort((a, b) => place(b) - place(a));
  let at = 0;

  function plannedBytes(task: Task): number {
    if (task.unit) return bytesToReadFor(task.unit);
    return task.orders.reduce((sum, { tensor, count }) => sum + readBytesOf(tensor, count), 0);
  }

  function hasAgreement({ pieces }: Unit): boolean {
    return pieces.some(({ span }) => spans[span]!.making.kind === "agree");
  }

  function place(task: Task): number {
    return task.unit ? task.unit.pieces[0]!.span : task.span;
  }

  function bytesToReadFor({ pieces }: Unit): number {
    return pieces.reduce((sum, { span, count }) => {
      const { tensor } = spans[span]!;
      const passes = isMadeInOneGo(spans[span]!) ? stepsOf(spans[span]!).length + 1 : 1;
      return sum + passes * readBytesOf(tensor, count);
    }, 0);
  }

  /** Starts the next reduction of a span, or what it was reduced for. */
  function begin(state: Progress): void {
    const { span, steps, results } = state;
    const step = results.length;
    const reduction = steps[step];
    if (reduction === undefined) {
      for (const unit of (written.get(span.index) ?? []).toReversed()) stack.push(taskOf(unit));
      return;
    }
    const name = totalName(span, step);
    if (reduction.scope === "model" && totals.has(name)) {
      if (known.totals.has(name)) skipped += readBytesOf(span.tensor, span.elements);
      results.push(reduction.finish(structuredClone(totals.get(name)) as never));
      begin(state);
      return;
    }
    if (reduction.order === "any" && reduction.needed?.(results) === false) {
      skipped += readBytesOf(span.tensor, span.elements);
      end(state, reduction.start());
      return;
    }
    const length = REDUCED_BLOCKS[reduction.order] * BLOCK;
    state.left = Math.ceil(span.elements / length);
    state.parts = [];
    for (let part = state.left - 1; part >= 0; part--) {
      const piece = { span: span.index, first: part * length, count: Math.min(length, span.elements - part * length) };
      stack.push({ orders: [orderOf(piece, "reduce", step, results)], span: span.index, part });
    }
  }

  /** One reduction of a span has ended: with its total, or with all of those of the model. */
  function end(state: Progress, total: unknown): { total: string; value: unknown } | undefined {
    const { span, steps, results } = state;
    const step = results.length;
    const reduction = steps[step]!;
    if (reduction.scope === "tensor") {
      results.push(reduction.finish(total as never));
      begin(state);
      return undefined;
    }
    const name = totalName(span, step);
    const group = groups.get(name)!;
    group.set(span.index, { total });
    const parts = [...group.values()];
    if (parts.includes(undefined)) return undefined;
    const value = (parts as { total: unknown }[]).map((part) => part.total).reduce((a, b) => reduction.merge(a as never, b as never));
    totals.set(name, value);
    for (const index of [...group.keys()].toReversed()) begin(states.get(index)!);
    return { total: name, value };
  }

  function taskOf(unit: Unit): Task {
    const orders = unit.pieces.map((piece) => {
      const span = spans[piece.span]!;
      if (unit.reduced) return orderOf(piece, "write", 0, states.get(piece.span)!.results);
      return orderOf(piece, isMadeInOneGo(span) ? "all" : "write", 0, []);
    });
    return { unit, orders };
  }

  function orderOf({ span: index, first, count }: Piece, task: Order["task"], step: number, results: readonly unknown[]): Order {
    const { tensor, parts, elements, making } = spans[index]!;
    const from = parts.findLastIndex((part) => part.first <= first);
    const to = parts.findLastIndex((part) => part.first < first + count);
    const common = { tensor, parts: parts.slice(from, to + 1), elements, first, count, task, step };
    return making.kind === "gram"
      ? { ...common, results: [], ...(results.length > 0 ? { coefficients: results[0] as readonly number[] } : {}) }
      : { ...common, results: [...results] };
  }

  return {
    bytesToRead,
    plannedBytes,
    skippedBytes: () => skipped,
    next() {
      const task = stack.at(-1);
      const unit = queue[at];
      if (unit && (task === undefined || at < first.length || unit.pieces[0]!.span < place(task))) {
        at++;
        return taskOf(unit);
      }
      return stack.pop();
    },
    finish(task, { reduced }) {
      if (task.unit) return undefined;
      const state = states.get(task.span)!;
      const reduction = state.steps[state.results.length]!;
      state.left -= 1;
      // What may be merged in any order is merged at once: states do not pile up.
      if (reduction.order === "any")
        state.parts = state.parts.length === 0 ? [reduced] : [reduction.merge(state.parts[0] as never, reduced as never)];
      else state.parts[task.part] = reduced;
      if (state.left > 0) return undefined;
      return end(state, reduction.order === "any" ? state.parts[0] : mergeBlocks(reduction, (state.parts as unknown[][]).flat()));
    },
  };
}

/** All reductions that a span needs before it can be made; dot products are one. */
export function stepsOf({ making }: Span): readonly Reduction[] {
  if (making.kind === "ranges") return making.reductions;
  if (making.kind !== "gram" || making.scope === "row") return [];
  const { scope, coefficients } = making;
  return [{ order: "blocks", scope, block: () => undefined, merge: addDots, finish: coefficients }];
}

function totalName({ method }: Span, step: number): string {
  return `${method?.name} ${step}`;
}
