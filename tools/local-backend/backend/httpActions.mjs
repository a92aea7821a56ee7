// @ts-check
/** Answers HTTP requests with the routes of `convex/http.ts`. */
import { messageOf } from "./errors.mjs";

/** @import { Host } from "./host.mjs" */
/** @import { HttpRequest, HttpResponse } from "./types.mjs" */

/**
 * @param {Host} host
 * @param {HttpRequest} request
 * @returns {Promise<HttpResponse>}
 */
export async function answerHttp(host, request) {
  const { httpRouter } = host.functions;
  if (!httpRouter)
    return plainText(
      404,
      "This Convex deployment does not have HTTP actions enabled.",
    );
  const { method, url, headers, body, identity = null } = request;
  const path = `${method} ${new URL(url).pathname}`;
  const target = { ...httpRouter, path };
  const origin = host.newOrigin({ identity });
  const bodyText = Buffer.from(body).toString("base64");
  const argsJson = JSON.stringify({ method, url, headers, body: bodyText });
  try {
    const json = await host.actions.run(target, argsJson, origin);
    const response = JSON.parse(json);
    return { ...response, body: Buffer.from(response.body, "base64") };
  } catch (error) {
    const message = messageOf(error);
    host.logs.failed(origin, target, message);
    return plainText(500, message);
  }
}

/**
 * @param {number} status
 * @param {string} text
 * @returns {HttpResponse}
 */
function plainText(status, text) {
  return {
    status,
    headers: [["content-type", "text/plain"]],
    body: Buffer.from(text),
  };
}
