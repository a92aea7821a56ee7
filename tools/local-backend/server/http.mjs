import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";

const decompress = promisify(brotliDecompress);

/** A response other than 200, in the form that the CLI prints. */
export class HttpError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @param {AsyncIterable<Buffer>} request */
export async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @returns {Promise<unknown>} the parsed body; undefined if there is none */
export async function readJson(request) {
  const body = await readBody(request);
  if (body.length === 0) return undefined;
  const isCompressed = request.headers["content-encoding"] === "br";
  try {
    return JSON.parse(isCompressed ? await decompress(body) : body);
  } catch (error) {
    throw new HttpError(400, "BadJsonBody", `The body is no JSON: ${error}`);
  }
}

/** Web pages from any origin may call a deployment, so every response allows it. */
const ANY_ORIGIN = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, POST",
  "Access-Control-Allow-Headers":
    "Authorization, Content-Type, Convex-Client, Content-Encoding",
};

/** @param {{ status?: number, body?: unknown }} answer a string is sent as text */
export function send(response, { status = 200, body }) {
  // The client may have gone.
  if (response.destroyed) return;
  if (body === undefined) return response.writeHead(204, ANY_ORIGIN).end();
  const isText = typeof body === "string";
  response.writeHead(status, {
    ...ANY_ORIGIN,
    "Content-Type": isText ? "text/plain" : "application/json",
  });
  response.end(isText ? body : JSON.stringify(body));
}

export function sendError(response, error) {
  if (!(error instanceof HttpError)) console.error(error);
  // An unknown path is also 400, because the CLI retries 404 and 5xx for a long time.
  const { status = 400, code = "LocalServerError", message } = error;
  send(response, { status, body: { code, message } });
}
