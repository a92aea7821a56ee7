// @ts-check

/** @typedef {import("./validation.mjs").ValidatorJson} ValidatorJson */

/**
 * Formats a validator as in source code.
 *
 * @param {ValidatorJson} validator
 * @returns {string}
 */
export function describeValidator(validator) {
  switch (validator.type) {
    case "id":
      return `v.id("${validator.tableName}")`;
    case "literal":
      return `v.literal(${JSON.stringify(validator.value)})`;
    case "array":
      return `v.array(${describeValidator(validator.value)})`;
    case "union":
      return `v.union(${validator.value.map(describeValidator).join(", ")})`;
    case "record":
      return `v.record(${describeValidator(validator.keys)}, ${describeValidator(validator.values.fieldType)})`;
    case "object":
      return `v.object({${Object.entries(validator.value)
        .map(([name, field]) => `${name}: ${describeField(field)}`)
        .join(", ")}})`;
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    default:
      return `v.${validator.type}()`;
  }
}

/** @param {{ fieldType: ValidatorJson, optional: boolean }} field */
function describeField({ fieldType, optional }) {
  const text = describeValidator(fieldType);
  return optional ? `v.optional(${text})` : text;
}
