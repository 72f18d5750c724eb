/** Values of parameters by name, complete and within their bounds. */
export type ParameterValues = { readonly [name: string]: number | boolean };
