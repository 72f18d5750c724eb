/** Does work in turn: what has one id happens one after another, in the order of the calls. */
export type Turns = {
  /** What the work gives or throws, once everything before it with this id has ended. */
  <T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when all work that was asked for before has ended. */
  idle(): Promise<unknown>;
};

/** Nothing to do yet. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  const take = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const result = (last.get(id) ?? Promise.resolve()).then(work);
    const over = result
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        if (last.get(id) === over) last.delete(id);
      });
    last.set(id, over);
    return result;
  };
  return Object.assign(take, { idle: () => Promise.all(last.values()) });
}
