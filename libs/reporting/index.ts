export { buildReport } from "./build-report.ts";
export { renderHtml } from "./html/page.ts";
export { type HubLicence, hubLicence } from "./hub-licence.ts";
export { type LicenceText, type LicensedInput, licenceFile, linksToLicence } from "./licence-file.ts";
export { type Loading, networkLoading, perceptronLoading, unknownLoading } from "./loading.ts";
export { type Method, type MethodText, methods, methodTexts } from "./methods.ts";
export { type ModelCardOptions, modelCard, modelLicence } from "./model-card.ts";
export { modelFolder, modelName } from "./model-folder.ts";
export { renderProcesses } from "./processes.ts";
export type {
  Analysis,
  BarrierDomain,
  Cell,
  Curve,
  Difference,
  LineageNode,
  Measurements,
  Member,
  ProcessUsage,
  Report,
  Result,
  SetName,
  TableRow,
  Task,
  Timings,
} from "./report.ts";
export { sentences } from "./sentences.ts";
export { renderMarkdown, renderTable } from "./table.ts";
export { judge, type Verdict } from "./verdict.ts";
