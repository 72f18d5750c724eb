import { commonSettings, declareSettings, defaultAddresses, listenSetting, peerSetting } from "#libs/service";

/** What can be set of the evaluation service. */
export const settings = declareSettings({
  listen: listenSetting(defaultAddresses.evaluation),
  catalog: peerSetting("catalog"),
  ...commonSettings,
});
