/** What a run file is made of: answers of a person, or what was found. Paths as they are going to stand in it. */
export type Answers = {
  readonly name: string;
  /** Where the run file goes. */
  readonly path: string;
  readonly images: string;
  /** How many pictures, of which domains and how many classes there are: for the comment. */
  readonly seen: { readonly images: number; readonly domains: readonly string[]; readonly classes: number };
  /** "all", or domains. */
  readonly heldOut: string | readonly string[];
  readonly network: string;
  /** Undefined: the network's weights are drawn. */
  readonly weights?: string | undefined;
  readonly auxiliaries: readonly string[];
  /** Folders of images that might be auxiliaries: for a comment. */
  readonly beside?: readonly string[];
  readonly members: number;
  readonly steps: number;
};

/** Domains that a comment names; of more their number alone. */
const NAMED = 6;

/** A run file of ten lines, with comments. */
export function runFileText({
  name,
  path,
  images,
  seen,
  heldOut,
  network,
  weights,
  auxiliaries,
  beside = [],
  members,
  steps,
}: Answers): string {
  const { domains } = seen;
  const named = domains.length <= NAMED ? `: ${domains.join(", ")}` : "";
  const lines: readonly (readonly [string, string])[] = [
    [`name: ${text(name)}`, "names the results, and the folder out/"],
    [
      `target: { images: ${text(images)} }`,
      `domain/class/image; ${seen.images} images of ${seen.classes} classes in ${domains.length} domains${named}`,
    ],
    [
      `held-out: ${typeof heldOut === "string" ? text(heldOut) : `[${heldOut.map(text).join(", ")}]`}`,
      "each in turn is never trained on: results are measured there",
    ],
    ["foundation:", "where every fine-tuning comes from"],
    [`  network: ${text(network)}`, "of torchvision or timm; docs/your-own-data.md lists them"],
    weights === undefined
      ? ["  # weights: ./foundation.pth", "without weights they are drawn"]
      : [`  weights: ${text(weights)}`, "safetensors or .pth; a head of other classes is left out"],
    [`auxiliaries: [${auxiliaries.map(text).join(", ")}]`, "fine-tunings of the foundation to recycle, or folders of images to make some"],
    [`fine-tuning: { members: ${members}, steps: ${steps} }`, "members of each average, and steps of each; run it again with more"],
    ["seeds: [0]", "each is a whole repetition; five or more decide"],
    ["backend: auto", "the fastest engine that a trainer has"],
  ];
  const width = Math.max(...lines.map(([line]) => (line.length <= COMMENT_AT ? line.length : 0)));
  return `# ratatouille recycle ${path} --dry-run shows the whole plan; without --dry-run it runs.\n${lines
    .map(([line, comment]) => `${line.padEnd(width)}  # ${comment}\n${line.startsWith("auxiliaries:") ? suggestion(beside) : ""}`)
    .join("")}`;
}

/** Folders that a comment suggests. */
const SUGGESTED = 3;

function suggestion(beside: readonly string[]): string {
  if (beside.length === 0) return "";
  const more = beside.length > SUGGESTED ? " and others" : "";
  return `# of this form beside it, if they are of other things: [${beside.slice(0, SUGGESTED).map(text).join(", ")}]${more}\n`;
}

/** Comments begin in one column, unless a line is longer. */
const COMMENT_AT = 60;

/** A text as YAML has it: as it is where that is safe, and else in quotes. */
function text(value: string): string {
  return (/^[\w./-][\w./ -]*$/.test(value) &&
    !/^[\d.+-]|^(?:true|false|null|yes|no|on|off|all|none)$|\s$/i.test(value.replace(/^\.{1,2}\//, "p/"))) ||
    value === "all"
    ? value
    : JSON.stringify(value);
}
