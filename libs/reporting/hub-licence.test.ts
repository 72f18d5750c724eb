import assert from "node:assert/strict";
import { test } from "node:test";
import { hubLicence } from "./hub-licence.ts";

const cases = [
  [["CC-BY-4.0"], { license: "cc-by-4.0" }],
  [["GPL-3.0-or-later"], { license: "gpl-3.0" }],
  [["ODbL-1.0"], { license: "odbl" }],
  [["GFDL-1.3-only"], { license: "gfdl" }],
  [["LicenseRef-unknown"], { license: "unknown" }],
  [["LicenseRef-llama3.1"], { license: "llama3.1" }],
  [[], { license: "unknown" }],
  [["0BSD"], { license: "other", license_name: "0bsd", license_link: "https://spdx.org/licenses/0BSD.html" }],
  [["our-own"], { license: "other", license_name: "our-own", license_link: "LICENSE" }],
  [["LicenseRef-Our-Own"], { license: "other", license_name: "our-own", license_link: "LICENSE" }],
  [["Apache-2.0", "CC-BY-4.0"], { license: "other", license_name: "apache-2.0-and-cc-by-4.0", license_link: "LICENSE" }],
  [["MIT OR Apache-2.0"], { license: "other", license_name: "mit-or-apache-2.0", license_link: "LICENSE" }],
  [["CC-BY-4.0", "LicenseRef-unknown"], { license: "other", license_name: "cc-by-4.0-and-unknown", license_link: "LICENSE" }],
] as const;

for (const [licences, fields] of cases) {
  test(`the hub's licence of ${licences.join(", ") || "nothing"} is ${fields.license}`, () => {
    assert.deepEqual(hubLicence(licences), fields);
  });
}
