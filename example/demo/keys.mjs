// @ts-check
/** @typedef {"up" | "down" | "answer" | "cancel" | "restart" | "quit"} Key */

/** @type {Record<string, Key>} */
const KEYS = {
  ...{ "\x1b[A": "up", "\x1bOA": "up", k: "up" },
  ...{ "\x1b[B": "down", "\x1bOB": "down", j: "down" },
  ...{ a: "answer", c: "cancel", r: "restart" },
  // In raw mode, Ctrl-C and Ctrl-D are keys like any other.
  ...{ q: "quit", "\x03": "quit", "\x04": "quit" },
};

/**
 * Returns the pressed keys. A terminal may send several at once.
 *
 * @param {string} text
 * @returns {Key[]}
 */
export function keysIn(text) {
  // eslint-disable-next-line no-control-regex -- The keys of a terminal are.
  const pressed = text.match(/\x1b[[O][0-9;]*[A-Za-z~]|[^]/gu) ?? [];
  return pressed.flatMap((key) => KEYS[key] ?? []);
}
