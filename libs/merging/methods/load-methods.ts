import type { Method } from "../method.ts";

/**
 * Methods by their names, without loading the others: a thread that makes a mean loads in half the time. Each method is alone in the
 * file of its name, with hyphens.
 */
export async function loadMethods(names: readonly string[]): Promise<ReadonlyMap<string, Method>> {
  const load = async (name: string): Promise<readonly [string, Method]> => {
    const file: { readonly [exported: string]: Method } = await import(`./${name.replaceAll("_", "-")}.ts`);
    return [name, Object.values(file).find((method) => method.name === name)!];
  };
  return new Map(await Promise.all(names.map(load)));
}
