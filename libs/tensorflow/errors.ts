/** TensorFlow or PyTorch could not be set up: one sentence says why, and what would help. What was downloaded stays, so that another try goes on from there. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}
