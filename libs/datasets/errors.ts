/** Bytes that are no data set, or files and parameters of which none can be made. Trying again gives the same. */
export class DatasetError extends SyntaxError {
  override readonly name = "DatasetError";
}
