import type { PreparedMerge } from "#libs/merged-models";

/** Says of a number that is none how to go on without its tensor. */
export function withAdvice(merge: PreparedMerge): PreparedMerge {
  return {
    ...merge,
    run: (options) =>
      merge.run(options).catch((error: Error & { readonly kind?: string; readonly tensor?: string }) => {
        const { kind, tensor, message } = error;
        if (kind !== "not-finite" || tensor === undefined) throw error;
        throw Object.assign(new Error(`${message}; --exclude ${tensor} leaves it out`, { cause: error }), { kind });
      }),
  };
}
