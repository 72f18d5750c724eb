/** The files that go with a merge of a mergekit configuration: apart from the rest, as it loads the parser of YAML. */
export { mergekitFiles } from "./mergekit-files.ts";
