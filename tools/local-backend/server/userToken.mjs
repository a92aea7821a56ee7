/** Reads users' tokens without checking their signatures, so that you can try an app as any user. */
import { HttpError } from "./http.mjs";

/** The names of OpenID's claims in `ctx.auth.getUserIdentity()`. */
const NAMES = new Map([
  ["sub", "subject"],
  ["iss", "issuer"],
  ["given_name", "givenName"],
  ["family_name", "familyName"],
  ["preferred_username", "preferredUsername"],
  ["profile", "profileUrl"],
  ["picture", "pictureUrl"],
  ["email_verified", "emailVerified"],
  ["zoneinfo", "timezone"],
  ["locale", "language"],
  ["phone_number", "phoneNumber"],
  ["phone_number_verified", "phoneNumberVerified"],
  ["updated_at", "updatedAt"],
]);

/** Claims about the token itself, not about the user. */
const LEFT_OUT = new Set(["aud", "exp", "iat", "nbf", "jti"]);

/**
 * @param {string} token a JWT
 * @returns {object} the identity that functions see
 */
export function identityOf(token) {
  const claims = claimsOf(token);
  const { sub, iss } = claims;
  if (typeof sub !== "string" || typeof iss !== "string")
    throw invalid("it has no claims `sub` and `iss`");
  const known = Object.entries(claims)
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => [NAMES.get(name) ?? name, value]);
  return { tokenIdentifier: `${iss}|${sub}`, ...Object.fromEntries(known) };
}

function claimsOf(token) {
  try {
    const [, payload] = token.split(".");
    return Object(JSON.parse(Buffer.from(payload, "base64url").toString()));
  } catch {
    throw invalid("it is no JWT");
  }
}

function invalid(why) {
  return new HttpError(
    401,
    "InvalidAuthHeader",
    `The user's token can't be read: ${why}.`,
  );
}
