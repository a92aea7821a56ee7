/** A line that a function printed, in the form of the Convex CLI. */
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

/** @param {import("./devState.mjs").LocalServer} server */
export function howToCall({ url, siteUrl, adminKey }) {
  return `
The example runs at ${url}. In another terminal:

  npm run convex -- run example:exampleWorkflow '{ "args": { "exampleArg": "James" } }'
  npm run convex -- run --watch example:status '{ "workflowId": "<the id that printed>" }'
  npm run convex -- logs

Clients: new ConvexClient("${url}"). With the admin key, also for internal functions:

  curl ${url}/api/function -H 'Authorization: Convex ${adminKey}' \\
    -d '{ "path": "example:exampleWorkflow", "args": { "args": { "exampleArg": "James" } } }'

HTTP actions, if the app has a convex/http.ts: ${siteUrl}

Changes in convex/ and src/ are pushed as they are saved. Ctrl-C stops the server and drops its data.
`;
}
