import { commonSettings, declareSettings, listenSetting, peerSetting } from "#libs/service";

/** What can be set of the evaluation service. */
export const settings = declareSettings({
  listen: listenSetting("evaluation"),
  catalog: peerSetting("catalog"),
  ...commonSettings,
});
