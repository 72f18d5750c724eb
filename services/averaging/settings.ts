import { commonSettings, declareSettings, defaultAddresses, listenSetting, peerSetting } from "#libs/service";

/** What can be set of the averaging service. */
export const settings = declareSettings({
  listen: listenSetting(defaultAddresses.averaging),
  catalog: peerSetting("catalog"),
  ...commonSettings,
});
