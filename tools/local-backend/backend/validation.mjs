// @ts-check
/**
 * Checks arguments and results against a function's validators, with the
 * platform's error messages.
 */
import { FunctionError } from "./errors.mjs";
import { describeValidator } from "./validatorText.mjs";

/** @import { JSONValue } from "./types.mjs" */

/** @typedef {any} ValidatorJson as `exportArgs` and `exportReturns` return it */

/**
 * @param {ValidatorJson} validator
 * @param {JSONValue} args
 */
export function validateArgs(validator, args) {
  const problem = findProblem(validator, args, "");
  if (problem) throw new FunctionError(`ArgumentValidationError: ${problem}\n`);
}

/**
 * @param {ValidatorJson | null} validator none: everything is valid
 * @param {JSONValue} value
 */
export function validateReturns(validator, value) {
  const problem = validator && findProblem(validator, value, "");
  if (problem) throw new FunctionError(`ReturnsValidationError: ${problem}\n`);
}

/**
 * @param {ValidatorJson} validator
 * @param {JSONValue} value
 * @param {string} path
 * @returns {string | undefined}
 */
function findProblem(validator, value, path) {
  const mismatch = () =>
    [
      "Value does not match validator.",
      ...(path === "" ? [] : [`Path: ${path}`]),
      `Value: ${JSON.stringify(value)}`,
      `Validator: ${describeValidator(validator)}`,
    ].join("\n");
  switch (validator.type) {
    case "union":
      return validator.value.some(
        (/** @type {ValidatorJson} */ member) =>
          findProblem(member, value, path) === undefined,
      )
        ? undefined
        : mismatch();
    case "array":
      if (!Array.isArray(value)) return mismatch();
      return firstProblem(value.entries(), ([index, item]) =>
        findProblem(validator.value, item, `${path}[${index}]`),
      );
    case "object":
      return isPlainObject(value)
        ? findObjectProblem(validator, value, path)
        : mismatch();
    case "record":
      if (!isPlainObject(value)) return mismatch();
      return firstProblem(
        Object.entries(value),
        ([key, item]) =>
          findProblem(validator.keys, key, `${path}.keys`) ??
          findProblem(validator.values.fieldType, item, `${path}.${key}`),
      );
    case "id":
      return findIdProblem(validator, value, path) ?? undefined;
    default:
      return isScalarValid(validator, value) ? undefined : mismatch();
  }
}

/**
 * @param {ValidatorJson} validator
 * @param {Record<string, JSONValue>} value
 * @param {string} path
 */
function findObjectProblem(validator, value, path) {
  const context = () =>
    [
      ...(path === "" ? [] : [`Path: ${path}`]),
      `Object: ${JSON.stringify(value)}`,
      `Validator: ${describeValidator(validator)}`,
    ].join("\n");
  for (const name of Object.keys(validator.value)) {
    const field = validator.value[name];
    const item = value[name];
    if (item === undefined) {
      if (field.optional) continue;
      return `Object is missing the required field \`${name}\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.\n\n${context()}`;
    }
    const problem = findProblem(field.fieldType, item, `${path}.${name}`);
    if (problem) return problem;
  }
  const extra = Object.keys(value).find(
    (name) => !Object.hasOwn(validator.value, name),
  );
  return extra === undefined
    ? undefined
    : `Object contains extra field \`${extra}\` that is not in the validator.\n\n${context()}`;
}

/**
 * @param {ValidatorJson} validator
 * @param {JSONValue} value
 * @param {string} path
 */
function findIdProblem(validator, value, path) {
  const text = describeValidator(validator);
  const table = typeof value === "string" ? tableOfId(value) : null;
  if (table === validator.tableName) return undefined;
  const place = path === "" ? "" : `Path: ${path}\n`;
  return table === null
    ? `Value does not match validator.\n${place}Value: ${JSON.stringify(value)}\nValidator: ${text}`
    : `Found ID "${/** @type {string} */ (value)}" from table \`${table}\`, which does not match the table name in validator \`${text}\`.\n${place}Value: ${JSON.stringify(value)}\nValidator: ${text}`;
}

/**
 * Returns the table of an id in convex-test, which is a number and the table.
 *
 * @param {string} id
 */
export function tableOfId(id) {
  return /^[0-9]+([^0-9].*)$/.exec(id)?.[1] ?? null;
}

/**
 * @param {ValidatorJson} validator
 * @param {JSONValue} value
 */
function isScalarValid(validator, value) {
  switch (validator.type) {
    case "any":
      return true;
    case "null":
      return value === null;
    case "boolean":
    case "string":
      return typeof value === validator.type;
    case "number":
      return typeof value === "number" || isEncoded(value, "$float");
    case "bigint":
    case "commitTs":
      return isEncoded(value, "$integer");
    case "bytes":
      return isEncoded(value, "$bytes");
    case "literal":
      return JSON.stringify(value) === JSON.stringify(validator.value);
    default:
      throw new Error(`Unknown validator type "${validator.type}"`);
  }
}

/**
 * @param {JSONValue} value
 * @param {string} tag
 */
function isEncoded(value, tag) {
  return (
    typeof value === "object" && value !== null && Object.hasOwn(value, tag)
  );
}

/**
 * @param {JSONValue} value
 * @returns {value is Record<string, JSONValue>}
 */
function isPlainObject(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !["$float", "$integer", "$bytes"].some((tag) => isEncoded(value, tag))
  );
}

/**
 * @template T
 * @param {Iterable<T>} items
 * @param {(item: T) => string | undefined} find
 */
function firstProblem(items, find) {
  for (const item of items) {
    const problem = find(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
