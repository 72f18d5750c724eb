import { busSettings, commonSettings, declareSettings, listenSetting, peerSetting } from "#libs/service";

/** What can be set of the gateway. */
export const settings = declareSettings({
  listen: listenSetting("gateway"),
  ...busSettings,
  catalog: peerSetting("catalog"),
  finetune: peerSetting("finetune"),
  averaging: peerSetting("averaging"),
  sessions: peerSetting("sessions"),
  evaluation: peerSetting("evaluation"),
  recycling: peerSetting("recycling"),
  ...commonSettings,
});
