import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { root } from "./cli.ts";

/** The run file that most tests use. */
export const tiny = "examples/tiny.yaml";

/** A run file as data, to be changed by a test. */
// biome-ignore lint/suspicious/noExplicitAny: a test may put anything anywhere, which is the point.
export type RunFile = any;

/** Writes the tiny run file, changed, and returns its path. */
export async function writeTiny(path: string, change: (file: RunFile) => void): Promise<string> {
  const file: RunFile = parse(await readFile(join(root, tiny), "utf8"));
  file.target.data = join(root, "data/digits");
  change(file);
  return writeText(path, stringify(file));
}

/** Writes the smallest run that is one: one cell, two members, a few steps. */
export function writeSmallest(path: string, change: (file: RunFile) => void = () => {}): Promise<string> {
  return writeTiny(path, (file) => {
    const glyphs = { classes: 10, images: 40, styles: ["plain"], rotation: 0.2 };
    const training = { steps: 10, batch: 10, "learning-rate": 3e-3 };
    file.name = "smallest";
    file.target = { ...file.target, domains: [0, 60], "held-out": [60] };
    file.foundation = { ...file.foundation, hidden: [8], data: glyphs, training };
    file.auxiliaries = [{ name: "turned", data: { ...glyphs, rotation: 0.9 }, probe: training, training }];
    file.probe = training;
    file["fine-tuning"] = { ...file["fine-tuning"], members: 2, ...training, "validate-every": 5 };
    file.methods = ["member-mean", "recycling"];
    change(file);
  });
}

/** Writes the text of the tiny run file with the first occurrence of a piece replaced; also returns the line of the piece. */
export async function writeReplaced(path: string, piece: string, replacement: string): Promise<{ file: string; line: number }> {
  const text = (await readFile(join(root, tiny), "utf8")).replace("../data/digits", join(root, "data/digits"));
  const start = text.indexOf(piece);
  if (start < 0) throw new Error(`${tiny} has no ${piece}`);
  const changed = text.slice(0, start) + replacement + text.slice(start + piece.length);
  return { file: await writeText(path, changed), line: text.slice(0, start).split("\n").length };
}

async function writeText(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}
