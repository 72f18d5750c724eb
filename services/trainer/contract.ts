/** The version of the contract with the fine-tune service that this trainer speaks: see AnnounceTrainerRequest. */
export const CONTRACT = 1;
