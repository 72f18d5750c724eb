export { cycloneDx } from "./cyclonedx.ts";
export { type LineageNode, lineageNode } from "./node.ts";
export { provJson } from "./prov.ts";
