import { counted, list, quote } from "#libs/text";
import type { Problem } from "../types.ts";

/** Files and folders that a reader passed by, and what else it has to say. */
export type Findings = {
  /** A file that is none of the things that are read. */
  leftOut(name: string): void;
  report(severity: Problem["severity"], kind: Problem["kind"], message: string): void;
  /** Whether an error was found: what it led to needs no word of its own. */
  failed(): boolean;
  /** Everything, once nothing more is found. */
  problems(): readonly Problem[];
};

const EXAMPLES = 3;
/** Of one kind: what comes after is only counted. A folder may have a million files of a wrong kind. */
const MOST_OF_A_KIND = 100;

/** Collects what readers find. @param thing what they read: an image, a record */
export function createFindings(thing = "image"): Findings {
  const problems: Problem[] = [];
  const counts = new Map<string, number>();
  let leftOut = 0;
  const examples: string[] = [];
  return {
    leftOut(name) {
      leftOut++;
      if (examples.length < EXAMPLES) examples.push(name);
    },
    report(severity, kind, message) {
      const count = (counts.get(`${severity} ${kind}`) ?? 0) + 1;
      counts.set(`${severity} ${kind}`, count);
      if (count <= MOST_OF_A_KIND) problems.push({ severity, kind, message });
    },
    failed: () => problems.some(({ severity }) => severity === "error"),
    problems() {
      const all = [...problems];
      for (const [key, count] of counts) {
        if (count <= MOST_OF_A_KIND) continue;
        const [severity, kind] = key.split(" ") as [Problem["severity"], Problem["kind"]];
        all.push({ severity, kind, message: `and ${counted(count - MOST_OF_A_KIND, "more problem")} of this kind` });
      }
      if (leftOut > 0) {
        const more = leftOut > examples.length ? ", …" : "";
        const named = list(examples.map((name) => quote(name)));
        all.push({
          severity: "warning",
          kind: "left-out",
          message: `${counted(leftOut, "file")} that ${leftOut === 1 ? `is no ${thing} was` : `are no ${thing}s were`} left out: ${named}${more}`,
        });
      }
      return all;
    },
  };
}
