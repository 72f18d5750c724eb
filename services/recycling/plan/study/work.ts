import { costOf, networkNames, networkOf } from "#libs/networks";
import type { CompleteStudy } from "./specification.ts";
import { needsOf } from "./specification.ts";

/** Multiply-adds of a picture through a network that only its trainer knows. Only estimates depend on it. */
const UNKNOWN = 1e9;
/** Pictures of a domain where nobody has counted them. */
const UNCOUNTED = 1000;
/** Forward, and backward for weights and activations. */
const PASSES_OF_A_STEP = 3;

/** What the work of a study's recipes is, in multiply-adds, to estimate the rest of a run. */
export type Work = {
  training(pictures: number, headOnly?: boolean): number;
  prediction(pictures: number): number;
  /** Pictures of a domain of the target. */
  picturesOf(domain: string): number;
};

/** The work of a study with one network. */
export function workOf({ study }: CompleteStudy): Work {
  const { network, target } = study;
  const known = networkNames().includes(network.name);
  const needs = { classes: target.classes.length, ...needsOf(network) };
  const forward = known ? costOf(networkOf(network.name, needs)).multiplyAdds : UNKNOWN;
  return {
    training: (pictures, headOnly = false) => pictures * forward * (headOnly ? 1 : PASSES_OF_A_STEP),
    prediction: (pictures) => pictures * forward,
    picturesOf: (domain) => target.images[target.domains.indexOf(domain)] ?? UNCOUNTED,
  };
}
