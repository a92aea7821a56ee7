// @ts-check

/**
 * Performs an action's `fetch` with Node's.
 *
 * @param {string} request JSON of `{ url, method, headers }`
 * @param {Uint8Array} [body]
 * @returns {Promise<{ head: string, bytes: Uint8Array }>} `head` is the JSON of
 *   `{ url, status, statusText, headers }`
 */
export async function fetchFor(request, body) {
  const { url, method, headers } = JSON.parse(request);
  const response = await fetch(url, {
    method,
    headers,
    body: body && Buffer.from(body),
  });
  const { status, statusText } = response;
  const head = { status, statusText, headers: [...response.headers] };
  return {
    head: JSON.stringify({ ...head, url: response.url }),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

/** @param {unknown} error that `fetchFor` rejects with */
export function fetchFailure(error) {
  const { message, cause } = /** @type {Error} */ (error);
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
