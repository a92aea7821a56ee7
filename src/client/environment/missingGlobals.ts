/**
 * Globals whose values differ between two executions of a handler and have no
 * deterministic counterpart. They read as undefined while it runs.
 */
export const MISSING_GLOBALS = [
  "process",
  "crypto",
  "Crypto",
  "CryptoKey",
  "SubtleCrypto",
] as const;

type MissingGlobal = (typeof MISSING_GLOBALS)[number];

/**
 * If code reads a property of undefined, V8's error names the property but not
 * the undefined value. These properties rarely belong to anything else.
 */
const PROPERTIES: Partial<Record<MissingGlobal, string[]>> = {
  crypto: ["randomUUID", "getRandomValues", "subtle"],
  // prettier-ignore
  process: [
    "env", "argv", "pid", "platform", "version", "versions", "exitCode",
    "nextTick", "hrtime", "cwd", "uptime", "memoryUsage",
  ],
};

const NAME = `(?:globalThis\\.)?(${MISSING_GLOBALS.join("|")})`;
const NAMED = `^(?:${NAME} is not (?:defined|a function|a constructor)|Cannot destructure .*'${NAME}' as it is undefined)`;
const METHOD = `^${NAME}\\.(\\w+)(?:\\.\\w+)* is not a function`;
const PROPERTY =
  /^Cannot (?:(?:read|set) properties of undefined \((?:reading|setting) |destructure property |use 'in' operator to search for )'(\w+)'/;

/** The fields of a thrown value, if reading them doesn't throw. A handler may throw anything. */
function readable(error: unknown): Partial<Error> {
  try {
    const { name, message } = (error ?? {}) as Partial<Error>;
    return { name, message };
  } catch {
    return {};
  }
}

/**
 * If a handler failed because it used a missing global, returns an explanation
 * to append to the error's message. Otherwise returns undefined.
 *
 * Only errors of the handler's own code count. A step's errors arrive as plain
 * errors, and the step does have these globals.
 */
export function explainMissingGlobal(error: unknown): string | undefined {
  const { name, message } = readable(error);
  if (
    (name !== "TypeError" && name !== "ReferenceError") ||
    typeof message !== "string"
  ) {
    return undefined;
  }
  const [, used, destructured] = message.match(NAMED) ?? [];
  const named = used ?? destructured;
  if (named !== undefined) return explanation(named);
  const [, owner, method] = message.match(METHOD) ?? [];
  if (owner !== undefined && owner === ownerOf(method))
    return explanation(owner);
  const property = PROPERTY.exec(message)?.[1];
  const global = ownerOf(property);
  return global === undefined
    ? undefined
    : `If this was about \`${global}.${property}\`: ${explanation(global)}`;
}

function ownerOf(property: string | undefined): MissingGlobal | undefined {
  return MISSING_GLOBALS.find(
    (global) => property && PROPERTIES[global]?.includes(property),
  );
}

function explanation(global: string): string {
  return (
    `\`${global}\` is not available inside a workflow handler, because its ` +
    "value could differ each time the handler is replayed. Do this work in a " +
    "step (step.runQuery, step.runMutation or step.runAction) and use what it " +
    "returns."
  );
}
