import { EXAMPLE } from "../paths.mjs";

/** @typedef {import("./backend/types.mjs").FunctionSpec} FunctionSpec */

/** Formats a function's log line like the Convex CLI. */
export function formatLogLine({
  time,
  level,
  componentPath,
  function: path,
  message,
}) {
  const place = componentPath === "" ? path : `${componentPath}/${path}`;
  return `${new Date(time).toLocaleTimeString()} [${place}] [${level}] ${message}`;
}

/**
 * Explains how the Convex CLI finds the server.
 *
 * @param {import("./devState.mjs").LocalServer} server
 * @param {string} app
 */
export function howToConnect({ url, adminKey }, app) {
  return `
Serving ${app} at ${url}. For \`npx convex\` in another terminal:

  export CONVEX_SELF_HOSTED_URL=${quote(url)}
  export CONVEX_SELF_HOSTED_ADMIN_KEY=${quote(adminKey)}
`;
}

/**
 * @param {import("./devState.mjs").LocalServer} server
 * @param {{ app: string, page?: { url: string }, functions: FunctionSpec[] }} pushed
 */
export function howToCall(
  { url, siteUrl, adminKey },
  { app, page, functions },
) {
  const calls = app === EXAMPLE ? OF_EXAMPLE : callsOf(functions);
  const convex =
    app === EXAMPLE
      ? "npm run convex --"
      : `npm run convex -- --app ${quote(app)}`;
  const commands = calls.map(
    ({ options = "", path, args }) =>
      `  ${convex} run ${options}${path} ${quote(args)}`,
  );
  const withKey = calls.slice(0, 1).map(
    ({ path, args }) => `
With the admin key, also internal functions can be called:

  curl ${url}/api/function -H ${quote(`Authorization: Convex ${adminKey}`)} \\
    -d ${quote(`{ "path": "${path}", "args": ${args} }`)}
`,
  );
  const pages = page
    ? `
The page is at ${page.url}, the console at ${page.url}/console
`
    : "";
  return `${pages}
The app runs at ${url}. In another terminal:

${[...commands, `  ${convex} logs`].join("\n")}

Clients: new ConvexClient("${url}")
${withKey.join("")}
HTTP actions, if the app has an http.ts: ${siteUrl}

Changes of the app's functions and of this package's src/ are pushed as they are saved. Ctrl-C stops the server and drops its data.
`;
}

/** @param {string[]} notServed */
export function whatIsMissing(notServed) {
  const items = notServed.map((each) => `\n  - ${each}`);
  return `The app has what the local server doesn't serve:${items.join("")}`;
}

const OF_EXAMPLE = [
  {
    path: "example:exampleWorkflow",
    args: '{ "args": { "exampleArg": "James" } }',
  },
  {
    options: "--watch ",
    path: "example:status",
    args: '{ "workflowId": "<the id that printed>" }',
  },
];

/**
 * Picks a function that changes something and one to watch, public ones first.
 *
 * @param {FunctionSpec[]} functions
 */
function callsOf(functions) {
  const inOrder = [...functions].sort(
    (a, b) => Number(isInternal(a)) - Number(isInternal(b)),
  );
  const isQuery = ({ functionType }) => functionType === "Query";
  const change = inOrder.find((each) => !isQuery(each));
  const query = inOrder.find(isQuery);
  return [
    ...(change ? [callOf(change)] : []),
    ...(query ? [{ ...callOf(query), options: "--watch " }] : []),
  ];
}

function isInternal({ visibility }) {
  return visibility?.kind !== "public";
}

function callOf({ identifier, args }) {
  return { path: identifier.replace(".js:", ":"), args: sampleOf(args) };
}

/** Returns a value that a validator accepts, or a placeholder. */
function sampleOf(validator) {
  switch (validator.type) {
    case "object": {
      const required = Object.entries(validator.value).filter(
        ([, { optional }]) => !optional,
      );
      const fields = required.map(
        ([name, { fieldType }]) => `"${name}": ${sampleOf(fieldType)}`,
      );
      return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
    }
    case "array":
      return "[]";
    case "record":
    case "any":
      return "{}";
    case "union":
      return sampleOf(validator.value[0] ?? { type: "null" });
    case "literal":
      return JSON.stringify(validator.value);
    case "id":
      return `"<an id of ${validator.tableName}>"`;
    case "string":
      return '"…"';
    case "boolean":
      return "true";
    case "null":
      return "null";
    default:
      return "0";
  }
}

/** Quotes a text for a shell. */
function quote(text) {
  return /^[\w:/.@%+=,-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
