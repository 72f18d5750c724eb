import {
  commonSettings,
  dataSetting,
  declareSettings,
  defaultAddresses,
  listenSetting,
  natsAccessSettings,
  natsSetting,
  peerSetting,
} from "#libs/service";

/** What can be set of the recycling service. */
export const settings = declareSettings({
  listen: listenSetting(defaultAddresses.recycling),
  data: dataSetting,
  nats: natsSetting,
  ...natsAccessSettings,
  catalog: peerSetting("catalog"),
  finetune: peerSetting("finetune"),
  averaging: peerSetting("averaging"),
  evaluation: peerSetting("evaluation"),
  ...commonSettings,
});
