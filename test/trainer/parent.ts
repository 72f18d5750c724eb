// A parent for orphan.test.ts: runs a system with a trainer that trains for long, says the trainer's process id, and waits to be killed.
import { mkdtempSync } from "node:fs";
import { drawn, longTraining } from "./recipes.ts";
import { startSystem, startTrainer } from "./system.ts";

const system = await startSystem(mkdtempSync(process.argv[2] ?? ""));
const trainer = startTrainer(system.address);
const { id } = await system.submit(longTraining(await system.make(drawn), 10_000_000));
await system.trains(id);
process.stdout.write(`trainer ${trainer.child.pid}\n`);
