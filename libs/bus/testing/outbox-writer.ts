/** A program for tests: commits an event, and waits to be killed before it is published, or after that and before the outbox knows it. */
import { writeSync } from "node:fs";
import { openDatabase } from "#libs/storage";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { createOutbox, event, type OutboxTables, openLocalBus, outboxMigration, topic } from "../index.ts";

const [path = "", busPath = "", moment = ""] = process.argv.slice(2);
const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const database = await openDatabase<OutboxTables>({ path, migrations: [outboxMigration] });
const outbox = createOutbox(database);
await database.transaction((tx) => outbox.add(tx, event(work, moment, { jobId: moment })));
const waitToBeKilled = () => new Promise<void>((resolve) => setTimeout(resolve, 60_000));
if (moment === "committed") {
  writeSync(1, "committed\n");
  await waitToBeKilled();
}
const bus = await openLocalBus({ path: busPath });
const publish: typeof bus.publish = async (message) => {
  await bus.publish(message);
  if (message.id !== moment) return;
  writeSync(1, "published\n");
  await waitToBeKilled();
};
await outbox.relay({ publish }, { signal: new AbortController().signal });
