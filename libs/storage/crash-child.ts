// A program for crash.test.ts. It prints one line when it is where the test wants it, and stays there until it is killed.
import { join } from "node:path";
import { NoSpaceError } from "#libs/files";
import { lockDirectory, openBlobStore, openDatabase, sqlMigration } from "./index.ts";

const [task = "", directory = ""] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Keeps the process alive without doing anything. */
const forever = () => new Promise<never>(() => setInterval(() => {}, 60_000));

async function* half(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(3_000_000).fill(1);
  say("half");
  await forever();
}

switch (task) {
  case "put-half": {
    await lockDirectory(directory, { address: "127.0.0.1:1" });
    const store = await openBlobStore(join(directory, "blobs"));
    await store.put(half());
    break;
  }
  case "transaction-half": {
    const database = await openDatabase<{ t: { a: number } }>({
      path: join(directory, "rows.sqlite"),
      migrations: [sqlMigration("t", "create table t (a integer) strict")],
    });
    await database.query.insertInto("t").values({ a: 1 }).execute();
    await database.transaction(async (tx) => {
      await tx.insertInto("t").values({ a: 2 }).execute();
      say("half");
      await forever();
    });
    break;
  }
  case "fill": {
    // The test gives this process a limit on the size of files.
    const store = await openBlobStore(join(directory, "blobs"));
    const outcome = await store.put([new Uint8Array(600_000), new Uint8Array(600_000)]).catch((error: unknown) => error);
    say(outcome instanceof NoSpaceError ? "NoSpaceError" : String(outcome));
    break;
  }
  default:
    throw new Error(`unknown task ${task}`);
}
