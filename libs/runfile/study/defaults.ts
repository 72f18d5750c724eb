import { methods } from "#libs/reporting";

/** How members are varied and trained where the run file says nothing else. */
export const protocols = ["ratatouille", "domainbed"] as const;
export type Protocol = (typeof protocols)[number];

/** What pictures are, as far as defaults depend on it: photographs, or digits of 28 pixels and records, which small networks learn. */
export type PictureKind = "photographs" | "digits";

type Training = {
  readonly steps: number;
  readonly batch: number;
  readonly "learning-rate": number;
  readonly "weight-decay": number;
  readonly dropout: number;
};

/** Steps of the whole network after those of the head alone; DomainBed counts 5001. */
const STEPS = { ratatouille: 2000, domainbed: 5001 } as const;
const MEMBERS = { ratatouille: 8, domainbed: 20 } as const;
/** DomainBed's rates and batches, for photographs and for digits (domainbed/hparams_registry.py). */
const RATE = { photographs: 5e-5, digits: 1e-3 } as const;
const BATCH = { photographs: 32, digits: 64 } as const;
/** A head alone needs a higher rate and few steps; DomainBed trains it as everything else. */
const PROBE_RATE = 1e-3;
const PROBE_STEPS = 500;
const DOMAINBED_EVERY = 100;
/** Mild ranges (SWAD, DiWA): rates as shares of the highest. */
const RATE_SHARES = [0.2, 0.6, 1];

/** Everything that a run file of pictures may leave out, from one place. */
export const defaults = {
  seeds: [0],
  "validation-fraction": 0.2,
  "held-out-items": 0,
  methods: [...methods],
  curves: { barriers: 3, curves: 1, points: 5 },
  transform: {
    photographs: { training: "domainbed/1", validation: "resize/1" },
    digits: { training: "none/1", validation: "none/1" },
  },
  members: (protocol: Protocol): number => MEMBERS[protocol],
  "fine-tuning": (protocol: Protocol, pictures: PictureKind): Training => ({
    steps: STEPS[protocol],
    batch: BATCH[pictures],
    "learning-rate": RATE[pictures],
    "weight-decay": 0,
    dropout: 0,
  }),
  /** Of a fine-tuning of so many steps: the head settles for a tenth of them, for at most 200 steps. */
  "head-only-steps": (steps: number): number => Math.min(200, Math.round(steps / 10)),
  /** 0: it depends on how many images there are; see `withPaces`. */
  "validate-every": (protocol: Protocol, steps: number): number => (protocol === "domainbed" ? Math.min(DOMAINBED_EVERY, steps) : 0),
  /** The linear probe before fine-tunings like this one. */
  probe: (protocol: Protocol, tuning: Training): Training =>
    protocol === "domainbed"
      ? { ...tuning, "weight-decay": 0, dropout: 0 }
      : { ...tuning, steps: Math.min(PROBE_STEPS, tuning.steps), "learning-rate": PROBE_RATE, "weight-decay": 0, dropout: 0 },
  /** Pre-training from drawn weights. */
  pretraining: (tuning: Training): Training => ({ ...tuning, "learning-rate": PROBE_RATE, "weight-decay": 0, dropout: 0 }),
  count: (protocol: Protocol): number => (protocol === "domainbed" ? 4 : 1),
  "learning-rates": (rate: number): number[] => RATE_SHARES.map((share) => Number((share * rate).toPrecision(12))),
  dropouts: [0, 0.1, 0.5],
  "weight-decays": [1e-4, 1e-6],
};
