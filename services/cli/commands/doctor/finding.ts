/** One finding. `advice` says what to do where something is not right. */
export type Finding = { readonly topic: string; readonly right: boolean; readonly fact: string; readonly advice?: string };
