import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import type { GenericValidator, Validator } from "convex/values";
import { preview } from "../shared/storable.js";

interface ParseOptions {
  /** Refuse fields that the validator doesn't name. Default: drop them. */
  strict?: boolean;
  /** Checks the tables of ids. */
  db?: GenericDatabaseReader<GenericDataModel>;
}

/**
 * Parses a value as Convex parses a function's arguments.
 *
 * @throws If the validator doesn't allow it, with the path of the part that it refuses.
 */
export function parse<T>(
  validator: Validator<T, "required" | "optional", any>,
  value: unknown,
  options: ParseOptions = {},
): T {
  return parseAt("", validator, value, options) as T;
}

function parseAt(
  path: string,
  validator: GenericValidator,
  value: unknown,
  options: ParseOptions,
): unknown {
  const { kind } = validator;
  const check = (isAllowed: boolean, expected: unknown = kind) =>
    isAllowed ? value : refuse(path, expected, value);
  const pathTo = (key: string) => (path ? `${path}.${key}` : key);
  if (value === undefined) return check(validator.isOptional === "optional");
  switch (kind) {
    case "null":
      return check(value === null);
    case "bytes":
      return check(value instanceof ArrayBuffer);
    case "literal":
      return check(value === validator.value, validator.value);
    case "id": {
      const { tableName } = validator;
      return check(isId(value, tableName, options), `Id<${tableName}>`);
    }
    case "array":
      return (check(Array.isArray(value)) as unknown[]).map((element, at) =>
        parseAt(`${path}[${at}]`, validator.element, element, options),
      );
    case "record":
      return definedOf(
        Object.entries(check(isObject(value)) as object).map(
          ([key, field]: [string, unknown]) => {
            if (field !== undefined)
              field = parseAt(pathTo(key), validator.value, field, options);
            return [parseAt(pathTo(key), validator.key, key, options), field];
          },
        ),
      );
    case "object": {
      const { fields } = validator;
      const given = check(isObject(value)) as Record<string, unknown>;
      return definedOf(
        Object.keys({ ...fields, ...given }).map((key) => {
          const field = Object.hasOwn(given, key) ? given[key] : undefined;
          if (Object.hasOwn(fields, key))
            return [key, parseAt(pathTo(key), fields[key]!, field, options)];
          if (options.strict && field !== undefined)
            refuse(pathTo(key), "nothing", field);
          return [key, undefined];
        }),
      );
    }
    case "union": {
      let refusal: unknown;
      // A member that names all fields takes precedence over one that drops some.
      for (const strict of options.strict ? [true] : [true, false])
        for (const member of validator.members)
          try {
            return parseAt(path, member, value, { ...options, strict });
          } catch (error) {
            refusal = error;
          }
      throw refusal;
    }
    default: {
      const type = TYPES[kind];
      return type ? check(typeof value === type, type) : value;
    }
  }
}

const TYPES: Record<string, string | undefined> = {
  string: "string",
  boolean: "boolean",
  float64: "number",
  int64: "bigint",
};

function refuse(path: string, expected: unknown, value: unknown): never {
  const where = path && ` for ${path}`;
  const given = preview(value, MAX_SHOWN_BYTES);
  throw new Error(
    `Validator error${where}: Expected \`${String(expected)}\`, got \`${given}\``,
  );
}

const MAX_SHOWN_BYTES = 100;

function isId(value: unknown, table: string, { db }: ParseOptions): boolean {
  if (typeof value !== "string") return false;
  const tables = (table.startsWith("_") ? db?.system : db) as typeof db;
  return !tables || tables.normalizeId(table, value) !== null;
}

/** Not `instanceof`, because test runners have objects of several realms. */
function isObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return (prototype?.constructor?.name ?? "Object") === "Object";
}

const definedOf = (entries: unknown[][]): unknown =>
  Object.fromEntries(entries.filter(([, value]) => value !== undefined));
