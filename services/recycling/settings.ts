import { busSettings, commonSettings, dataSetting, declareSettings, listenSetting, peerSetting } from "#libs/service";

/** What can be set of the recycling service. */
export const settings = declareSettings({
  listen: listenSetting("recycling"),
  data: dataSetting,
  ...busSettings,
  catalog: peerSetting("catalog"),
  finetune: peerSetting("finetune"),
  averaging: peerSetting("averaging"),
  evaluation: peerSetting("evaluation"),
  sessions: peerSetting("sessions"),
  gateway: peerSetting("gateway"),
  ...commonSettings,
});
