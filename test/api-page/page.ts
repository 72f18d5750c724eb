/** A block of commands of a page, and what they print. */
export type Block = {
  /** Of the page, counted from 1. */
  readonly line: number;
  readonly commands: string;
  /** As it stands on the page; "" where nothing does. */
  readonly expected: string;
  /** Whether this is what the page says. */
  readonly fits: (printed: string) => boolean;
};

/**
 * The commands of a page in Markdown: blocks of `sh`, each with the block of `text` that follows it, if one does. In what is expected, "…" stands for
 * anything on a line.
 * @example
 * ```ts
 * const [block] = readPage("```sh\necho sha256:12\n```\n\n```text\nsha256:…\n```\n");
 * block?.commands; // "echo sha256:12\n"
 * block?.fits("sha256:12\n"); // true
 * block?.fits("sha512:12\n"); // false
 * ```
 */
export function readPage(page: string): Block[] {
  return [...page.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)].map(({ index, 1: commands = "", 2: expected = "" }) => {
    const pattern = new RegExp(`^${expected.split("…").map(RegExp.escape).join("[^\n]*")}$`);
    return { line: page.slice(0, index).split("\n").length, commands, expected, fits: (printed) => pattern.test(printed) };
  });
}
