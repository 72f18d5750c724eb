/** Options of `ratatouille methods`. */
export type MethodsOptions = { readonly json?: boolean };
