import { after, type Timer } from "#libs/concurrency";
import type { Device } from "#libs/topics";

/** An engine of a trainer, and what it can. */
export type PresentEngine = {
  readonly name: string;
  readonly device: Device;
  readonly arithmetics: readonly string[];
  readonly networks: readonly string[];
  /** It runs all networks that this system knows. */
  readonly builtInNetworks: boolean;
};

/** A trainer that is there, as it announced itself. Memory in MiB. */
export type PresentTrainer = {
  readonly id: string;
  readonly name: string;
  readonly device: Device;
  readonly accelerator?: { readonly model: string; readonly memoryMib: number };
  readonly engines: readonly PresentEngine[];
  readonly kinds: readonly string[];
  readonly memoryMib: number;
  readonly environment: Readonly<Record<string, string>>;
};

/** A trainer that is there. */
export type Present = PresentTrainer & {
  /** When it came, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Why it gets no work; "" where it does. */
  readonly parked: string;
};

/** Trainers that are there. In memory: after a restart they announce themselves again within a third of a lease. */
export type Presence = Disposable & {
  /** Takes what a trainer says of itself, and keeps it for the time of a lease. */
  announce(trainer: PresentTrainer): void;
  /** It takes no more work. One that is not known changes nothing. */
  leave(id: string): void;
  /** It gets no work from now on, in this life. */
  park(id: string, why: string): void;
  /** Why a trainer gets no work, also one that is not there; "" where it does. */
  parked(id: string): string;
  get(id: string): PresentTrainer | undefined;
  /** All, by name and id. */
  list(): Present[];
  /** Grows when a trainer comes, goes, is parked or becomes another. */
  readonly version: number;
};

/**
 * Nobody is there yet.
 * @param leaseMs who says nothing for so long is gone, measured by a clock that nobody sets
 * @param onChange is called after `version` has grown
 */
export function createPresence(leaseMs: number, now: () => number, onChange: () => void): Presence {
  type Entry = { readonly trainer: PresentTrainer; readonly said: string; readonly sinceMs: number; readonly timer: Timer };
  const present = new Map<string, Entry>();
  const parked = new Map<string, string>();
  let version = 0;
  const changed = () => {
    version += 1;
    onChange();
  };
  const leave = (id: string) => {
    const known = present.get(id);
    if (!known) return;
    known.timer[Symbol.dispose]();
    present.delete(id);
    changed();
  };
  return {
    announce(trainer) {
      const { id } = trainer;
      const known = present.get(id);
      known?.timer[Symbol.dispose]();
      const said = JSON.stringify(trainer);
      const timer = after(leaseMs, () => leave(id)).unref();
      present.set(id, { trainer, said, sinceMs: known?.sinceMs ?? now(), timer });
      if (known?.said !== said) changed();
    },
    leave,
    park(id, why) {
      parked.set(id, why);
      changed();
    },
    parked: (id) => parked.get(id) ?? "",
    get: (id) => present.get(id)?.trainer,
    list: () =>
      [...present.values()]
        .map(({ trainer, sinceMs }) => ({ ...trainer, sinceMs, parked: parked.get(trainer.id) ?? "" }))
        .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }) || (a.id < b.id ? -1 : 1)),
    get version() {
      return version;
    },
    [Symbol.dispose]() {
      for (const { timer } of present.values()) timer[Symbol.dispose]();
    },
  };
}
