import * as v from "valibot";
import { address, commonSettings, declareSettings, defaultAddresses, listenSetting, peerSetting } from "#libs/service";

/** What can be set of the registry. Token, certificate and key are those of both its listeners. */
export const settings = declareSettings({
  listen: listenSetting("oci"),
  http: {
    flag: "--http <host:port>",
    env: "RATATOUILLE_OCI_HTTP",
    description: "address of the registry itself, which clients such as oras are told; likewise",
    schema: address(),
    default: defaultAddresses.registry,
  },
  catalog: peerSetting("catalog"),
  blobs: {
    flag: "--blobs <directory>",
    env: "RATATOUILLE_OCI_BLOBS",
    description: "the catalog's blobs, where it is on this machine: blobs/sha256 in its folder; pulls are faster",
    schema: v.pipe(v.string(), v.minLength(1, "a directory")),
  },
  ...commonSettings,
});
