import * as v from "valibot";
import { address, commonSettings, declareSettings, defaultAddresses, listenSetting, peerSetting } from "#libs/service";

/** Origins as browsers write them: no path, no slash at the end. */
const origin = /^(?:\*|https?:\/\/[^\s/,]+)$/;

/** What can be set of the API over HTTP. */
export const settings = declareSettings({
  http: {
    flag: "--http <host:port>",
    env: "RATATOUILLE_WEB_HTTP",
    description: "address for HTTP; one that other machines reach needs TLS and a token",
    schema: address(),
    default: defaultAddresses.http,
  },
  origins: {
    flag: "--origins <origin,...>",
    env: "RATATOUILLE_ORIGINS",
    description: "pages of these origins may call, separated by commas, such as https://lab.example; * is every one",
    schema: v.pipe(
      v.string(),
      v.transform((text) => text.split(",").map((one) => one.trim())),
      v.everyItem((one) => origin.test(one), "origins such as https://lab.example, separated by commas, or *"),
    ),
  },
  listen: listenSetting("web"),
  gateway: peerSetting("gateway"),
  ...commonSettings,
});
