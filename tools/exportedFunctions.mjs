/** Finds a module's exported functions and their properties, as a deployment does. */
const FUNCTION_KINDS = ["Query", "Mutation", "Action"];

/** @param {Record<string, any>} exports of a module that has been evaluated */
export function exportedFunctions(exports) {
  return Object.entries(exports).flatMap(([name, value]) => {
    const udfType = FUNCTION_KINDS.find(
      // Must be `true`, because a re-exported `internal` has every property.
      (kind) => value?.[`is${kind}`] === true,
    );
    if (!udfType) return [];
    return {
      name,
      pos: null,
      udfType,
      visibility: visibilityOf(value),
      args: sortedValidator(value.exportArgs()),
      returns: sortedValidator(value.exportReturns()),
    };
  });
}

function visibilityOf(registered) {
  if (registered.isPublic) return { kind: "public" };
  if (registered.isInternal) return { kind: "internal" };
  return null;
}

/** Sorts fields by name, as a deployment and generated types do. */
function sortedValidator(json) {
  return JSON.stringify(sortFields(JSON.parse(json)));
}

function sortFields(validator) {
  switch (validator?.type) {
    case "array":
      return { ...validator, value: sortFields(validator.value) };
    case "union":
      return { ...validator, value: validator.value.map(sortFields) };
    case "record":
      return {
        ...validator,
        keys: sortFields(validator.keys),
        values: sortField(validator.values),
      };
    case "object":
      return {
        ...validator,
        value: sortedRecord(validator.value, sortField),
      };
    default:
      return validator;
  }
}

function sortField(field) {
  return { ...field, fieldType: sortFields(field.fieldType) };
}

function sortedRecord(record, mapValue) {
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, mapValue(record[key])]),
  );
}
