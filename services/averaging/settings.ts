import * as v from "valibot";
import { commonSettings, dataSetting, declareSettings, listenSetting, peerSetting, wholeNumber } from "#libs/service";

/** What can be set of the averaging service. */
export const settings = declareSettings({
  listen: listenSetting("averaging"),
  data: dataSetting,
  catalog: peerSetting("catalog"),
  scratchMebibytes: {
    flag: "--scratch-mebibytes <number>",
    env: "RATATOUILLE_SCRATCH_MEBIBYTES",
    description: "room for the members of averages",
    schema: wholeNumber(1, 2 ** 32),
    default: "65536",
  },
  store: {
    flag: "--store <directory>",
    env: "RATATOUILLE_STORE",
    description: "the catalog's folder blobs, where it is on this machine: nothing is copied",
    schema: v.string("a directory"),
  },
  ...commonSettings,
});

/** Room for the members of averages, in bytes. */
export function scratchBytes({ scratchMebibytes }: { readonly scratchMebibytes: number }): number {
  return scratchMebibytes * 2 ** 20;
}
