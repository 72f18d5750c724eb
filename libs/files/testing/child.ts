// A program for the tests of this folder. It says in one line when it is where the test wants it.
import { readFile, writeFile } from "node:fs/promises";
import { lockFile, replaceFile } from "../index.ts";

const [task = "", path = "", other = "", count = "0"] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const forever = () => new Promise<never>(() => setInterval(() => {}, 60_000));

async function* half(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1_000_000).fill(1);
  say("half");
  await forever();
}

switch (task) {
  case "hold": {
    await lockFile(path);
    say("held");
    await forever();
    break;
  }
  case "count": {
    // Without a pause, so that locks are often opened in the moment in which they are removed.
    for (let left = Number(count); left > 0; ) {
      using lock = await lockFile(path, { patienceMs: 0 }).catch(() => undefined);
      if (lock === undefined) continue;
      left--;
      const before = Number(await readFile(other, "utf8"));
      await writeFile(other, String(before + 1));
    }
    say("counted");
    break;
  }
  case "half": {
    await replaceFile(path, half());
    break;
  }
  case "fill": {
    const outcome = await replaceFile(path, new Uint8Array(Number(other))).catch((error: unknown) => error);
    say(outcome instanceof Error ? `${outcome.name}: ${outcome.message}` : "written");
    break;
  }
  default:
    throw new Error(`unknown task ${task}`);
}
