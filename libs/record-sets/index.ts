export { checkRecordSet, type RecordReport } from "./check-record-set.ts";
export { isRecordFolder, readRecordSet } from "./read/read-record-set.ts";
export { indexRecords } from "./shards/index-records.ts";
export { packRecords } from "./shards/pack.ts";
export type { LabelledRecord, RecordSet } from "./types.ts";
