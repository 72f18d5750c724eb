/** There is no network of this name. Trying again gives the same. */
export class UnknownNetworkError extends RangeError {
  override readonly name = "UnknownNetworkError";
}

/** A network cannot be had with these classes, channels, size or options. */
export class NetworkOptionsError extends RangeError {
  override readonly name = "NetworkOptionsError";
}

/** Weights that a network cannot take: another network's, or with numbers that are not finite. Trying again gives the same. */
export class UnfitWeightsError extends RangeError {
  override readonly name = "UnfitWeightsError";
}
