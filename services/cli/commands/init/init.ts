import { writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { type ImageSet, ImageSetError, readImageSet } from "#libs/image-sets";
import { networkNames } from "#libs/networks";
import { isRunName, nameWord, runNameRule } from "#libs/recipes";
import { isRecordFolder } from "#libs/record-sets";
import { parseStudyFile } from "#libs/runfile";
import { UsageError } from "#libs/service/process";
import { didYouMean, fewLines, list } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { fileProblem } from "../../file-problem.ts";
import { cautions } from "../../study/cautions.ts";
import { writeWrapped } from "../../write-wrapped.ts";
import { findSiblings } from "./find-folders.ts";
import { findModels, guessStarts } from "./find-models.ts";
import { type Ask, arePaths, askAt, noQuestions, words } from "./questions.ts";
import { type Answers, runFileText } from "./run-file-text.ts";

export type InitOptions = { readonly yes?: boolean; readonly out?: string };

/** Networks that a person without weights may begin with. */
const USUAL_NETWORK = "resnet18";
const USUAL_MEMBERS = 8;
const USUAL_STEPS = 2000;

/** `ratatouille init FOLDER`: looks at a folder of images and the models beside it, asks, and writes a run file. */
export async function init(folder: string, options: InitOptions, context: CommandContext): Promise<number> {
  const { stdout, stderr, signal } = context;
  const set = await imagesAt(folder);
  if (!options.yes && !process.stdin.isTTY)
    throw new UsageError("init asks a few questions, and there is no terminal to answer them; --yes takes what it would suggest");
  using ask = options.yes ? noQuestions : askAt(process.stdin, stderr, signal);
  const name = await ask.question("What is it called?", nameFor(folder), (answer) =>
    isRunName(answer) ? undefined : `It must be ${runNameRule}.`,
  );
  const path = options.out ?? `${name}.yaml`;
  const text = runFileText(await answers(ask, name, folder, set, path));
  // A suggestion that is no run file would be our mistake: it is told here and not later.
  const file = parseStudyFile(text, { path });
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === "EEXIST";
    throw new UsageError(exists ? `${path} exists already; --out names another file` : `cannot write ${path}: ${fileProblem(cause)}`, {
      cause,
    });
  }
  stdout.write(text);
  const warnings = set.problems.map(({ message }) => message);
  if (warnings.length > 0)
    writeWrapped(stderr, `\n${fewLines(warnings, { most: 3, where: `ratatouille data check ${folder}` }).join("\n")}\n`);
  for (const caution of cautions(file)) writeWrapped(stderr, `note: ${caution}\n`);
  writeWrapped(stderr, `\nWritten to ${path}. Next:\n  ratatouille data check ${folder}\n  ratatouille recycle ${path} --dry-run\n`);
  return 0;
}

/** @throws UsageError for a folder that is no set of images */
async function imagesAt(folder: string): Promise<ImageSet> {
  if (await isRecordFolder(folder))
    throw new UsageError(
      `${folder} has records that are no images, and only a trainer knows their networks: init asks about images; a run file for records says target: { records: ${folder} } (docs/your-own-data.md)`,
    );
  const set = await readImageSet(folder).catch((cause: unknown) => {
    throw cause instanceof ImageSetError ? new UsageError(cause.message, { cause }) : cause;
  });
  const errors = set.problems.flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
  if (errors.length > 0) throw new UsageError(fewLines(errors, { most: 3, where: `ratatouille data check ${folder}` }).join("\n"));
  if (set.domains.length < 2)
    throw new UsageError(`${folder} has one domain, ${list(set.domains)}: one is held out, so there must be two (domain/class/image)`);
  return set;
}

function nameFor(folder: string): string {
  const word = nameWord(basename(resolve(folder))).replace(/^[^A-Za-z0-9]+/, "");
  return isRunName(word) ? word : "images";
}

async function answers(ask: Ask, name: string, folder: string, set: ImageSet, path: string): Promise<Answers> {
  const directory = dirname(resolve(path));
  const near = (to: string) => pathFrom(directory, to);
  const starts = guessStarts(await findModels([".", dirname(resolve(folder)), folder]));
  const isThere = arePaths(directory, (answer) => (answer === "none" ? [] : [answer]));
  const { domains, classes, groups } = set;
  const heldOut = await ask.question(`Which domain is held out (all, or some of ${list(domains)})?`, "all", (answer) => {
    const strangers = answer === "all" ? [] : words(answer).filter((domain) => !domains.includes(domain));
    const [first] = strangers;
    return first === undefined ? undefined : `There is no domain ${first}: ${didYouMean(first, domains, `there are ${list(domains)}`)}`;
  });
  const network = await ask.question("Which network?", starts?.network ?? USUAL_NETWORK, (answer) =>
    networkNames().includes(answer)
      ? undefined
      : `There is no network ${answer}: ${didYouMean(answer, networkNames(), `there are ${list(networkNames())}`)}`,
  );
  const own = starts?.network === network ? starts : undefined;
  const weights = await ask.question("Weights of the foundation (none: drawn)?", own ? near(own.foundation) : "none", isThere);
  const auxiliaries = await ask.question(
    "Models or folders of images to recycle, separated by commas?",
    own?.auxiliaries.map(near).join(", ") || "none",
    arePaths(directory),
  );
  const named = words(auxiliaries);
  const count = (answer: string) => (/^[1-9]\d{0,6}$/.test(answer) ? undefined : "It must be a whole number, 1 or more.");
  const members = Number(await ask.question("How many fine-tunings in each average?", String(USUAL_MEMBERS), count));
  const steps = Number(await ask.question("How many steps has each?", String(USUAL_STEPS), count));
  return {
    ...{ name, path, network, members, steps, images: near(folder) },
    seen: { images: groups.reduce((sum, { names }) => sum + names.length, 0), domains, classes: classes.length },
    heldOut: heldOut === "all" ? "all" : words(heldOut),
    weights: weights === "none" ? undefined : weights,
    auxiliaries: named,
    beside: (await findSiblings(folder)).map(near).filter((path) => !named.some((each) => resolve(each) === resolve(path))),
  };
}

/** A path as it stands in a run file of a folder: beside it with "./", far away from the root. */
function pathFrom(directory: string, to: string): string {
  const path = relative(directory, resolve(to)) || ".";
  if (isAbsolute(path) || path.startsWith(join("..", "..", "..", ".."))) return resolve(to);
  return path.startsWith("..") ? path : `./${path}`;
}
