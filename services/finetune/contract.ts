import { failedPrecondition } from "#libs/rpc";

/** The version of the contract with trainers, which grows with each change that a trainer of before does not understand. */
export const CONTRACT = 1;

/**
 * Checks the version that a trainer says it speaks; 0, of one that says nothing, is 1.
 * @throws RpcError FAILED_PRECONDITION (CONTRACT_UNKNOWN)
 */
export function checkContract(spoken: number): void {
  if (spoken <= CONTRACT) return;
  throw failedPrecondition(
    `contract: the trainer speaks version ${spoken}, and this service version ${CONTRACT}: one of them has to be brought to that of the other`,
    {
      reason: "CONTRACT_UNKNOWN",
    },
  );
}
