const auxiliaryDefaults = {
  data: { classes: 50, images: 6000, styles: ["plain"], rotation: 0.9 },
  probe: { steps: 200, batch: 64, "learning-rate": 3e-3 },
  training: { steps: 1000, batch: 64, "learning-rate": 1e-3 },
};

const auxiliary = (name: string, styles: string[]) => ({ ...auxiliaryDefaults, name, data: { ...auxiliaryDefaults.data, styles } });

/** What a run file that leaves keys out means: the digits benchmark. */
export const defaults = {
  target: { domains: [0, 25, 50, 75], "held-out": [0, 25, 50, 75], "validation-fraction": 0.2 },
  foundation: {
    model: "mlp" as const,
    hidden: [256, 128],
    data: { classes: 100, images: 10_000, styles: ["plain", "blur", "low", "noise"], rotation: 0.2 },
    training: { steps: 2000, batch: 64, "learning-rate": 1e-3 },
  },
  auxiliary: auxiliaryDefaults,
  auxiliaries: [
    auxiliary("noise and occlusion", ["noise", "occlusion"]),
    auxiliary("gradient and low contrast", ["gradient", "low"]),
    auxiliary("thick and outline", ["thick", "outline"]),
    auxiliary("plain and thin", ["plain", "thin"]),
  ],
  probe: { steps: 500, batch: 20, "learning-rate": 1e-2 },
  "fine-tuning": {
    members: 10,
    steps: 300,
    batch: 20,
    "learning-rate": 5e-3,
    "validate-every": 25,
    "learning-rate-factors": [0.2, 0.6, 1],
    dropouts: [0, 0.1, 0.5],
    "weight-decays": [1e-4, 1e-6],
  },
};
