import type { SavedState } from "#libs/learning";

/** A step of a training, as the rest of a trainer sees it. */
export type Step = {
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  /** The best accuracy on validation data so far; absent where nothing is validated. */
  readonly bestAccuracy?: number;
  /** The state after this step; a copy. */
  checkpoint(): SavedState;
};

/** What an earlier attempt has saved. */
export type Saved = { readonly format: string; readonly bytes: Uint8Array };

/** How a training is watched, stopped and resumed. None of it changes the product. */
export type Watch = {
  readonly saved?: Saved | undefined;
  /** What was saved cannot be used: the training starts over. */
  readonly onUnusable?: ((error: unknown) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step; it does not wait. */
  readonly onStep?: ((step: Step) => void) | undefined;
  /** Called as a validation goes on, with the share of it that is done, 0 to 1, before the step that it belongs to; it does not wait. */
  readonly onValidating?: ((share: number) => void) | undefined;
  /** Called as a prediction goes on, with the rows that are done; it does not wait. */
  readonly onRows?: ((done: number, rows: number) => void) | undefined;
};

/** What was saved, decoded; undefined where there is nothing, it is of another format, or it is damaged, which is told. */
export function resumeFrom<C>({ saved, onUnusable }: Watch, format: string, decode: (bytes: Uint8Array) => C): C | undefined {
  if (!saved) return undefined;
  try {
    if (saved.format !== format) throw new RangeError(`the checkpoint is of format ${saved.format || "unknown"}, expected ${format}`);
    return decode(saved.bytes);
  } catch (error) {
    onUnusable?.(error);
    return undefined;
  }
}
