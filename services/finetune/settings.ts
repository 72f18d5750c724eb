import { busSettings, commonSettings, dataSetting, declareSettings, listenSetting, peerSetting, wholeNumber } from "#libs/service";

/** What can be set of the fine-tune service. */
export const settings = declareSettings({
  listen: listenSetting("finetune"),
  data: dataSetting,
  ...busSettings,
  catalog: peerSetting("catalog"),
  leaseSeconds: {
    flag: "--lease-seconds <seconds>",
    env: "RATATOUILLE_LEASE_SECONDS",
    description: "a trainer that does not report for so long is lost",
    schema: wholeNumber(1, 3600),
    default: "15",
  },
  ...commonSettings,
});
