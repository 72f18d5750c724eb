import type { DescMessage } from "@bufbuild/protobuf";

/**
 * Whether a path of a violation leads to a field of a message: names as in the contract, `[0]` in lists, `["key"]` in maps. Behind a text or
 * bytes that hold JSON it may go on, and so may it behind what google.protobuf.Value holds.
 */
export function leadsToField(desc: DescMessage, path: string): boolean {
  const [, name, place = "", rest = ""] = /^([a-z][a-z0-9_]*)((?:\[[^\]]*\])?)\.?(.*)$/s.exec(path) ?? [];
  const oneof = desc.oneofs.find((one) => one.name === name);
  if (oneof !== undefined) return rest === "" && place === "";
  const field = desc.fields.find((one) => one.name === name);
  if (field === undefined) return false;
  switch (field.fieldKind) {
    case "scalar":
    case "enum":
      return place === "" || rest !== "";
    case "message":
      return place === "" && (rest === "" || leadsToField(field.message, rest));
    case "list":
      if (rest === "") return true;
      return place !== "" && field.listKind === "message" && leadsToField(field.message, rest);
    case "map":
      return true;
  }
}
