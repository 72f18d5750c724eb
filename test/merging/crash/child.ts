/** A program for crash.test.ts: makes a merge, and says how far it is and what came out. */

import { mergeOnce } from "./merge.ts";

const [directory = "", method = "", ...paths] = process.argv.slice(2);
const result = await mergeOnce(directory, method, paths, (share) => process.stdout.write(`done ${share}\n`));
process.stdout.write(`${JSON.stringify(result)}\n`);
