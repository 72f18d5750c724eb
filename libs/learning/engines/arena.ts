/** Keeps account of what lives in scopes. */
export type Arena<T> = {
  readonly count: number;
  /** Enters something into the innermost scope. */
  own(tensor: T): T;
  dispose(tensor: T): void;
  scope<R>(run: () => R, kept: (result: R) => readonly T[]): R;
};

/** @param release what is done with a tensor when it goes. */
export function createArena<T>(release: (tensor: T) => void): Arena<T> {
  // The outermost one is for those who dispose of each tensor themselves.
  const scopes: Set<T>[] = [new Set()];
  return {
    get count() {
      return scopes.reduce((sum, { size }) => sum + size, 0);
    },
    own(tensor) {
      scopes.at(-1)!.add(tensor);
      return tensor;
    },
    dispose(tensor) {
      if (scopes.findLast((scope) => scope.delete(tensor))) release(tensor);
    },
    scope(run, kept) {
      const scope = new Set<T>();
      const depth = scopes.push(scope);
      const leave = () => {
        if (scopes.length !== depth) throw new Error("a scope was left while one inside it was open");
        scopes.pop();
      };
      try {
        const result = run();
        leave();
        for (const tensor of kept(result)) if (scope.delete(tensor)) scopes.at(-1)!.add(tensor);
        return result;
      } catch (error) {
        scopes.length = depth - 1;
        throw error;
      } finally {
        for (const tensor of scope) release(tensor);
      }
    },
  };
}
