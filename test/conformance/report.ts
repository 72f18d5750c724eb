import { excerpt } from "#libs/text";
import { seconds } from "./check.ts";
import type { Outcome } from "./suite.ts";

/** Of a line that a trainer said. */
const LONGEST_LINE = 300;

/** What people read of a check. */
export function linesOf(outcome: Outcome): string {
  const { name, ms } = outcome;
  if (outcome.passed) return `ok     ${name} (${seconds(ms)}): ${outcome.said}\n`;
  const said = outcome.lastLines.map((line) => `    ${excerpt(line, LONGEST_LINE)}\n`);
  const last = said.length === 0 ? "" : `  the last that the trainer said:\n${said.join("")}`;
  return `FAILED ${name} (${seconds(ms)}): ${outcome.problem}\n${last}`;
}

/** The last line. */
export function totalsOf(outcomes: readonly Outcome[], ms: number): string {
  const passed = outcomes.filter((one) => one.passed).length;
  return `${passed} passed, ${outcomes.length - passed} failed (${seconds(ms)})\n`;
}
