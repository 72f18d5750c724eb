import type { Runner, ThreadContext, ThreadModule } from "./types.ts";

/**
 * Loads a module and sets it up, once. Gives what asks for its runner, which begins anew where that failed: what was short then, memory
 * or descriptors, may be there now.
 */
export function setUp<U, R>(module: string, setup: unknown, context: ThreadContext): () => Promise<Runner<U, R>> {
  let runner: Promise<Runner<U, R>> | undefined;
  const begin = async () => {
    try {
      const loaded = (await import(module)) as ThreadModule<unknown, U, R>;
      return await loaded.setup(setup, context);
    } catch (error) {
      runner = undefined;
      throw error;
    }
  };
  const ask = () => (runner ??= begin());
  // Begins at once; a unit tells of the error.
  ask().catch(() => undefined);
  return ask;
}
