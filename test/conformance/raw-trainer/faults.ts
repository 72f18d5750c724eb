/** What a faulty trainer does wrong, the checks of the suite that have to notice it, and what they say. */
export const faults: { readonly [fault: string]: { readonly [check: string]: RegExp } } = {
  /** It announces itself once, and never again. */
  silent: { announces: /was gone within 6 s/ },
  /** It gives back the weights that it was given. */
  idle: { run: /the weights are what they were before/ },
  /** It guesses. */
  guessing: { run: /its models are right in/ },
  /** It predicts with the first of several models. */
  "first-of-several": { run: /that of their mean/ },
  /** It takes no notice of how its progress stream ends, or of who says that its attempt is stale. */
  deaf: { cancels: /the next job to begin/, stale: /the next job to begin/ },
  /** It ends when a job fails. */
  fragile: { poison: /ended the trainer/ },
  /** It says of no failure that it repeats itself. */
  hopeful: { poison: /was tried again/ },
  /** It fails without a word. */
  mute: { poison: /nobody learns what is wrong/ },
  /** It does not hash what arrives. */
  trusting: { lies: /took wrong bytes/ },
  /** It ends when the system cannot be reached. */
  impatient: { gone: /ended when the system was gone/ },
  /** It ends when a stream breaks. */
  nervous: { cuts: /ended when its connections broke/ },
  /** It starts over, whatever was saved. */
  forgetful: { resume: /SkipCheckpoint says that it did not|none of \d attempts went on at a checkpoint/ },
  /** Its id is the same in each life. */
  reborn: { resume: /an id that no other has/, two: /an id that no other has/ },
  /** It ends at once when it is asked to, and leaves its job to its lease. */
  abrupt: { drains: /did not give its job back/ },
  /** It takes its time. */
  stubborn: { drains: /2\.0 s are allowed/ },
  /** It gives its job back without a checkpoint. */
  careless: { drains: /its last state was lost/ },
  /** It ends when its disk is full. */
  brittle: { disk: /the trainer ended/ },
};

/** Whether this process has a fault. */
export function has(fault: string): boolean {
  return process.env["FAULT"] === fault;
}
