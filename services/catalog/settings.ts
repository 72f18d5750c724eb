import {
  commonSettings,
  dataSetting,
  declareSettings,
  defaultAddresses,
  listenSetting,
  natsAccessSettings,
  natsSetting,
} from "#libs/service";

/** What can be set of the catalog. */
export const settings = declareSettings({
  listen: listenSetting(defaultAddresses.catalog),
  data: dataSetting,
  nats: natsSetting,
  ...natsAccessSettings,
  ...commonSettings,
});
