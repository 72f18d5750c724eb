import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Method, Parameter } from "#libs/merging";
import { arithmetics } from "#libs/recipes";
import { BaseUse, type MergeMethodSchema, type MethodParameterSchema, ParameterType } from "#proto/ratatouille/v1/averaging_pb.ts";
import { arithmeticOf, settledMeans } from "./methods.ts";

const baseUses: { readonly [use in Method["base"]]: BaseUse } = {
  none: BaseUse.NONE,
  optional: BaseUse.OPTIONAL,
  required: BaseUse.REQUIRED,
};
const types: { readonly [type in Parameter["type"]]: ParameterType } = {
  number: ParameterType.NUMBER,
  integer: ParameterType.INTEGER,
  boolean: ParameterType.BOOL,
};

/** A method as ListMethods shows it. */
export function methodMessage(method: Method): MessageInitShape<typeof MergeMethodSchema> {
  const { name, aliases = [], title, summary, formula, paper, parameters, base, models, statistics = "", random = false } = method;
  const arithmetic = Object.hasOwn(settledMeans, name) ? arithmetics.averaging : arithmeticOf(method);
  return {
    ...{ name, aliases: [...aliases], title, summary, formula, statistics, random, arithmetic },
    ...(paper === undefined ? {} : { paper: { ...paper } }),
    parameters: parameters.map(parameterMessage),
    base: baseUses[base],
    minModels: models.min,
    maxModels: Number.isFinite(models.max) ? models.max : 0,
    sessions: arithmetic === arithmetics.averaging,
  };
}

function parameterMessage({
  name,
  type,
  scope,
  default: usual,
  min,
  max,
  exclusive = false,
  description,
}: Parameter): MessageInitShape<typeof MethodParameterSchema> {
  return {
    ...{ name, type: types[type], perModel: scope === "model", exclusive, description },
    ...(usual === undefined
      ? {}
      : { default: { kind: typeof usual === "boolean" ? { case: "boolValue", value: usual } : { case: "numberValue", value: usual } } }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}
