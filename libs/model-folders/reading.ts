/** How far a pass over files is. `resumedBytes` are those that an earlier run has done. */
export type Reading = {
  readonly readBytes: number;
  readonly totalBytes: number;
  readonly resumedBytes?: number;
  readonly pass?: number;
  readonly passes?: number;
};
