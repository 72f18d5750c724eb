import { type LocalSystem, type LocalSystemOptions, type Program, startLocalSystem } from "../../deploy/local/system.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Kind } from "./schedule.ts";

/** A system of processes that a case disturbs. */
export type Distributed = LocalSystem & {
  readonly data: string;
  program(name: string): Program;
  /** Kills one of the processes of a kind; false if none runs at the moment. `which` chooses among several. */
  kill(kind: Kind, which: number): boolean;
};

/** Starts a system with two trainers. */
export async function startDistributed(
  { data, env }: Sandbox,
  options: Pick<LocalSystemOptions, "env" | "trainerEnv"> = {},
): Promise<Distributed> {
  const system = await startLocalSystem({ directory: data, ...options, env: { ...env, ...options.env } });
  const program = (name: string): Program => {
    const found = system.programs.get(name);
    if (!found) throw new Error(`there is no program ${name}`);
    return found;
  };
  return {
    ...system,
    data,
    program,
    kill(kind, which) {
      const victim = kind === "trainer" ? program(`trainer-${1 + (which % 2)}`) : program(kind);
      if (victim.pid === undefined) return false;
      victim.kill();
      return true;
    },
    [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
  };
}
