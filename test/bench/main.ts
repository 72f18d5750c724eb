/** `npm run bench -- NAME`: runs a benchmark and prints its figures. */
import { runBench } from "./run-bench.ts";

process.exitCode = await runBench(process.argv.slice(2), process);
