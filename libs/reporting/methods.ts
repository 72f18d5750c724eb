/** Every method that a run can compare, from the cheapest to the one this is about. The order is that of tables. */
export const methods = [
  "linear-probe",
  "member-mean",
  "erm",
  "soup",
  "soup-greedy",
  "inter-training",
  "fusing",
  "recycling",
  "recycling-greedy",
  "recycling-ensemble",
] as const;

/** A way to get one classifier (or, for the ensemble, one set of predictions) for a held-out domain. */
export type Method = (typeof methods)[number];

/** What people read about a method. */
export type MethodText = {
  /** In tables. */
  readonly label: string;
  /** In the middle of a sentence. */
  readonly noun: string;
  /** One line that says what is done. */
  readonly explanation: string;
};

/** The texts of every method. */
export const methodTexts: { readonly [M in Method]: MethodText } = {
  "linear-probe": { label: "linear probe", noun: "a linear probe", explanation: "the foundation model, frozen, with a new head" },
  "member-mean": {
    label: "mean recycled member",
    noun: "the mean of its members",
    explanation: "mean accuracy of the fine-tunings that recycling averages",
  },
  erm: {
    label: "best fine-tuning",
    noun: "the best single fine-tuning",
    explanation: "of all fine-tunings from the foundation, the one with the best validation accuracy (ERM)",
  },
  soup: { label: "soup", noun: "a soup", explanation: "average of the weights of all fine-tunings from the foundation" },
  "soup-greedy": {
    label: "greedy soup",
    noun: "a greedy soup",
    explanation: "average of those fine-tunings from the foundation that do not lower validation accuracy",
  },
  "inter-training": {
    label: "inter-training",
    noun: "inter-training",
    explanation: "of all fine-tunings from the auxiliaries and the foundation, the one with the best validation accuracy",
  },
  fusing: {
    label: "fusing",
    noun: "fusing",
    explanation: "of all fine-tunings from the average of the auxiliaries and the foundation, the one with the best validation accuracy",
  },
  recycling: {
    label: "recycling",
    noun: "recycling",
    explanation: "average of the weights of all fine-tunings from the auxiliaries and the foundation",
  },
  "recycling-greedy": {
    label: "greedy recycling",
    noun: "greedy recycling",
    explanation: "average of those fine-tunings from the auxiliaries and the foundation that do not lower validation accuracy",
  },
  "recycling-ensemble": {
    label: "recycled ensemble",
    noun: "the ensemble of its members",
    explanation: "mean of the predictions of all fine-tunings that recycling averages; every one of them runs for every example",
  },
};

/**
 * Whether a text names a method.
 * @example
 * ```ts
 * isMethod("soup"); // true
 * isMethod("average"); // false
 * ```
 */
export function isMethod(text: string): text is Method {
  return (methods as readonly string[]).includes(text);
}
