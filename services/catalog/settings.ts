import { busSettings, commonSettings, dataSetting, declareSettings, listenSetting } from "#libs/service";

/** What can be set of the catalog. */
export const settings = declareSettings({
  listen: listenSetting("catalog"),
  data: dataSetting,
  ...busSettings,
  ...commonSettings,
});
