// @ts-check
/** A thread with full Node access for actions in modules with "use node". It runs one action at a time. */
import { inspect } from "node:util";
import { pathToFileURL } from "node:url";
import { parentPort } from "node:worker_threads";
import { exportedFunctions } from "../../../exportedFunctions.mjs";

/** @import { MessagePort } from "node:worker_threads" */
/** @import { FromNodeThread, ToNodeThread } from "./messages.mjs" */

const port = /** @type {MessagePort} */ (parentPort);
const tell = (/** @type {FromNodeThread} */ message) =>
  port.postMessage(message);

/** The part of the environment that the thread itself needs. */
const ownVariables = { ...process.env };
/** @type {Map<number, (answer: ToNodeThread & { type: "reply" }) => void>} */
const calls = new Map();
let lastCall = 0;

const unavailable = (/** @type {string} */ name) => {
  throw new Error(`"${name}" is not available in actions here`);
};

Object.assign(globalThis, {
  Convex: {
    syscall: unavailable,
    jsSyscall: unavailable,
    asyncSyscall: (
      /** @type {string} */ name,
      /** @type {string} */ argsJson,
    ) =>
      new Promise((resolve, reject) => {
        const id = ++lastCall;
        calls.set(id, ({ error, result }) => {
          if (error)
            reject(
              Object.assign(
                new Error(error.message),
                error.data !== undefined && { data: error.data },
              ),
            );
          else resolve(result);
        });
        tell({ type: "call", id, name, argsJson });
      }),
  },
});

for (const level of /** @type {const} */ ([
  ...["debug", "error", "info", "log", "warn", "trace"],
]))
  Reflect.set(console, level, (/** @type {unknown[]} */ ...args) => {
    const message = args.map((arg) => inspect(arg)).join(" ");
    tell({ type: "print", level, message });
  });

port.on("message", async (/** @type {ToNodeThread} */ message) => {
  switch (message.type) {
    case "reply":
      calls.get(message.id)?.(message);
      return void calls.delete(message.id);
    case "analyze":
      try {
        const exports = await import(pathToFileURL(message.file).href);
        tell({ type: "analyzed", functions: exportedFunctions(exports) });
      } catch (error) {
        tell({ type: "analyzed", error: text(error) });
      }
      return;
    case "run":
      for (const name of Object.keys(process.env)) delete process.env[name];
      Object.assign(process.env, ownVariables, message.env);
      try {
        const exports = await import(pathToFileURL(message.file).href);
        const json = await exports[message.name].invokeAction(
          "",
          `[${message.argsJson}]`,
        );
        tell({ type: "settled", outcome: { succeeded: true, json } });
      } catch (error) {
        const json = describe(error);
        tell({ type: "settled", outcome: { succeeded: false, json } });
      }
  }
});

/** As context/runner.js describes what a function has thrown. @param {any} thrown */
function describe(thrown) {
  const isObject = typeof thrown === "object" && thrown !== null;
  const stack =
    isObject && typeof thrown.stack === "string" ? thrown.stack : "";
  const frames = stack.split("\n").filter(isOfDeveloper);
  return JSON.stringify({
    message: `Uncaught ${text(thrown)}`,
    frames: frames.join("\n"),
    data:
      isObject && Symbol.for("ConvexError") in thrown
        ? String(thrown.data)
        : undefined,
  });
}

/** @param {string} line of a stack */
function isOfDeveloper(line) {
  return /^ +at /.test(line) && !/node:internal|nodeThread\.mjs/.test(line);
}

/** @param {unknown} thrown */
function text(thrown) {
  try {
    return String(thrown);
  } catch {
    return "[object]";
  }
}
