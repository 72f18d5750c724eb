/** A client in another language: what its tools are, and what is tried, one after another. */
export type Client = {
  readonly name: string;
  readonly about: string;
  /** The tool that is not here, if one is not. */
  missing(): Promise<string | undefined>;
  readonly steps: readonly (readonly [what: string, step: () => Promise<boolean>])[];
};
