import { HttpError } from "./http.mjs";
import { identityOf } from "./userToken.mjs";

/** @typedef {{ admin: boolean, identity?: object | null }} Caller */

/** @type {Caller} */
export const ANYONE = { admin: false };

const ADMIN_PREFIX = "Convex ";
const USER_PREFIX = "Bearer ";

/**
 * Returns the caller of an HTTP request.
 *
 * @param {string | undefined} header the request's `Authorization`
 * @param {string} adminKey
 * @returns {Caller}
 */
export function callerOf(header, adminKey) {
  if (header === undefined) return ANYONE;
  if (header.startsWith(USER_PREFIX))
    return user(header.slice(USER_PREFIX.length));
  if (!header.startsWith(ADMIN_PREFIX)) throw unknownKind(header.split(" ")[0]);
  const sent = header.slice(ADMIN_PREFIX.length);
  // The key itself may contain a colon.
  const [key, identity] = sent.startsWith(`${adminKey}:`)
    ? [adminKey, sent.slice(adminKey.length + 1)]
    : [sent, ""];
  return administrator(key, adminKey, identity && decodeIdentity(identity));
}

/**
 * Returns the caller that a message of the sync protocol authenticates.
 *
 * @returns {Caller}
 */
export function authenticate(message, adminKey) {
  switch (message.tokenType) {
    case "None":
      return ANYONE;
    case "Admin":
      return administrator(message.value, adminKey, message.impersonating);
    case "User":
      return user(message.value);
    default:
      throw unknownKind(message.tokenType);
  }
}

export function requireAdmin({ admin }) {
  if (admin) return;
  throw new HttpError(
    403,
    "AdminKeyRequired",
    "This needs the admin key: send it as `Authorization: Convex <key>`.",
  );
}

function user(token) {
  return { admin: false, identity: identityOf(token) };
}

function administrator(key, adminKey, identity) {
  if (key === adminKey) return { admin: true, identity: identity ?? null };
  throw new HttpError(
    403,
    "BadDeployKey",
    "This is not the admin key of this local server, which prints it when it starts. `npm run convex -- <args>` sends the right one.",
  );
}

function decodeIdentity(base64) {
  return JSON.parse(Buffer.from(base64, "base64").toString());
}

function unknownKind(kind) {
  return new HttpError(
    401,
    "InvalidAuthHeader",
    `The local server knows an admin key and a user's token, not "${kind}".`,
  );
}
