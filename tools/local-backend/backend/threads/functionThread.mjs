// @ts-check
/** A thread that runs the code of functions. The deployment runs in another thread, so it can always end this one. */
import {
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { moduleScript } from "../../../moduleScripts.mjs";
import { bundleOf } from "../bundle.mjs";
import { startFunction } from "../functionRun.mjs";
import { seededRandom } from "../random.mjs";
import { describeError, restoredError } from "./thrownError.mjs";

/** @import { MessagePort } from "node:worker_threads" */
/** @import { Bundle } from "../bundle.mjs" */
/** @import { Answer, BundleMessage, ContinueMessage, FromThread, PauseMessage, QuestionMessage, Request, StartMessage, ToThread } from "./messages.mjs" */

/** Lines are printed at once, but code that prints endlessly must not flood the deployment. */
const LINES_AT_ONCE = 1000;
const LINES_TOGETHER = 1000;

const port = /** @type {MessagePort} */ (parentPort);
/** @type {{ signal: Int32Array<SharedArrayBuffer>, answers: MessagePort }} */
const { signal, answers } = workerData;

/** @type {Map<number, Bundle>} */
const bundles = new Map();
/** @type {Map<number, ThreadFunction>} */
const functions = new Map();

port.on("message", (/** @type {ToThread} */ message) => {
  if ("ended" in message) return void functions.delete(message.ended);
  if (message.bundle) addBundle(message.bundle);
  if (message.start)
    functions.set(
      message.function,
      new ThreadFunction(message.function, message.start),
    );
  void functions.get(message.function)?.continue(message);
});

/** @param {BundleMessage} bundle */
function addBundle({ id, modules }) {
  const scripts = modules.map(
    ([path, module]) =>
      /** @type {const} */ ([path, moduleScript(path, module)]),
  );
  bundles.set(id, bundleOf(new Map(scripts)));
}

class ThreadFunction {
  #id;
  #run;
  #budget;
  /** @type {Request[]} */
  #requests = [];
  /** @type {Map<number, (...args: any[]) => void>} */
  #replies = new Map();
  #lastRequest = 0;
  /** @type {[level: string, message: string][]} */
  #lines = [];
  #printed = 0;

  /**
   * @param {number} id
   * @param {StartMessage} start
   */
  constructor(id, { bundle, now, seed, maxCodeMs, ...invocation }) {
    this.#id = id;
    this.#budget =
      maxCodeMs === undefined ? undefined : { codeMs: maxCodeMs, maxCodeMs };
    this.#run = startFunction(
      {
        ...invocation,
        bundle: /** @type {Bundle} */ (bundles.get(bundle)),
        now: now === undefined ? Date.now : () => now,
        random: seededRandom(seed).next,
        ...(this.#budget && { budget: this.#budget }),
        print: (level, message) => this.#print(level, message),
        env: (name) => this.#ask("env", name),
        syscall: (name, args) =>
          /** @type {string} */ (this.#ask("syscall", name, args)),
        asyncSyscall: () => {
          throw new Error("The deployment answers calls");
        },
      },
      ({ name, argsJson, reply }) =>
        this.#request({ kind: "call", name, argsJson }, reply),
      invocation.kind === "action"
        ? {
            sleep: (ms, done) => this.#request({ kind: "sleep", ms }, done),
            fetch: (request, body, reply) =>
              // Copies the bytes, because the function's own are from another realm.
              this.#request(
                { kind: "fetch", request, body: body && new Uint8Array(body) },
                reply,
              ),
          }
        : undefined,
    );
  }

  /** @param {ContinueMessage} message */
  async continue({ replies, codeMs }) {
    if (this.#budget && codeMs !== undefined) this.#budget.codeMs = codeMs;
    this.#printed = 0;
    /** @type {Partial<PauseMessage>} */
    const pause = {};
    try {
      for (const { request, args } of replies) {
        this.#replies.get(request)?.(...args);
        this.#replies.delete(request);
      }
      await this.#run.continue();
      pause.outcome = this.#run.outcome();
    } catch (error) {
      pause.error = describeError(error);
    }
    this.#showLines();
    this.#tell({
      type: "pause",
      requests: this.#requests.splice(0),
      codeMs: this.#budget?.codeMs,
      ...pause,
    });
  }

  /**
   * @param {Request extends infer R ? R extends Request ? Omit<R, "id"> : never : never} request
   * @param {(...args: any[]) => void} reply
   */
  #request(request, reply) {
    const id = ++this.#lastRequest;
    this.#replies.set(id, reply);
    this.#requests.push({ id, ...request });
  }

  /**
   * @param {string} level
   * @param {string} message
   */
  #print(level, message) {
    this.#lines.push([level, message]);
    if (
      ++this.#printed <= LINES_AT_ONCE ||
      this.#lines.length >= LINES_TOGETHER
    )
      this.#showLines();
  }

  #showLines() {
    if (this.#lines.length > 0)
      this.#tell({ type: "print", lines: this.#lines.splice(0) });
  }

  /**
   * Asks the deployment, and blocks until it answers.
   *
   * @param {QuestionMessage["what"]} what
   * @param {string[]} args
   * @returns {string | undefined}
   */
  #ask(what, ...args) {
    Atomics.store(signal, 0, 0);
    this.#tell({ type: "question", what, args });
    Atomics.wait(signal, 0, 0);
    /** @type {Answer} */
    const answer = receiveMessageOnPort(answers)?.message;
    if ("error" in answer) throw restoredError(answer.error);
    return answer.result;
  }

  /** @param {FromThread extends infer M ? M extends FromThread ? Omit<M, "function"> : never : never} message */
  #tell(message) {
    port.postMessage({ function: this.#id, ...message });
  }
}
