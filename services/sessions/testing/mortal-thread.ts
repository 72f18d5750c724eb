import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setup as setUpVerifying, type VerifyUnit } from "../verify-thread.ts";

/** verify-thread.ts, but its thread ends when it is to look at something while a file `end-thread` lies beside the folder of sessions. */
export function setup() {
  const runner = setUpVerifying();
  let order = "";
  return {
    ...runner,
    run(unit: VerifyUnit) {
      if (unit.does === "begin") order = join(unit.path, "../../../end-thread");
      if (unit.does === "look" && existsSync(order)) {
        rmSync(order);
        process.exit(3);
      }
      return runner.run(unit);
    },
  };
}
