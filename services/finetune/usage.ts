import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { parseAmount } from "#libs/rpc";
import { type Usage, UsageSchema } from "#proto/ratatouille/v1/usage_pb.ts";

/** What a trainer says that it used, as it is stored; "" if it says nothing. @throws RpcError INVALID_ARGUMENT naming the field */
export function usageText(usage: Usage | undefined): string {
  if (!usage) return "";
  for (const { localName, name } of UsageSchema.fields) parseAmount(`usage.${name}`, usage[localName as keyof Usage] as bigint);
  return toJsonString(UsageSchema, usage);
}

/** What is stored, as a field of a message. */
export function usageField(text: string): { readonly usage?: Usage } {
  return text === "" ? {} : { usage: fromJsonString(UsageSchema, text) };
}
