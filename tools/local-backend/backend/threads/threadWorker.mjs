// @ts-check
import { MessageChannel, Worker } from "node:worker_threads";
import { afterCodeTime } from "./codeTime.mjs";
import { describeError } from "./thrownError.mjs";

/** @import { Bundle } from "../bundle.mjs" */
/** @import { Answer, BundleMessage, FromThread, PauseMessage, PrintMessage, QuestionMessage, ToThread, ContinueMessage } from "./messages.mjs" */

/** More memory than the platform gives a function, because contexts are freed late. */
const MAX_HEAP_MB = 256;

/** Extra time for the code, because the thread itself measures it. */
const GRACE_MS = 300;

/**
 * @typedef {object} FunctionOfThread
 * @property {(pause: PauseMessage) => void} paused
 * @property {(lines: PrintMessage["lines"]) => void} print
 * @property {(question: QuestionMessage) => string | undefined} answer
 */

/** The reason why a function's thread has ended. */
export class ThreadStopped extends Error {
  /**
   * @param {"timeout" | "memory" | "closed" | "crash"} reason
   * @param {string} [message]
   */
  constructor(reason, message) {
    super(message ?? reason);
    this.reason = reason;
  }
}

/** A thread that runs functions, seen from the deployment. Only one function's code runs in it at a time. */
export class ThreadWorker {
  #worker;
  #signal = new Int32Array(new SharedArrayBuffer(4));
  #answers;
  /** @type {Map<number, FunctionOfThread>} */
  #functions = new Map();
  /** @type {WeakSet<Bundle>} */
  #bundles = new WeakSet();
  /** @type {Set<(reason: ThreadStopped) => void>} called when the thread stops */
  #waiting = new Set();
  /** @type {ThreadStopped | undefined} */
  stopped;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    this.#worker = new Worker(new URL("functionThread.mjs", import.meta.url), {
      workerData: { signal: this.#signal, answers: port2 },
      transferList: [port2],
      env: {},
      execArgv: [],
      resourceLimits: {
        maxYoungGenerationSizeMb: 8,
        maxOldGenerationSizeMb: MAX_HEAP_MB,
      },
    });
    this.#worker
      .on("message", (message) => this.#receive(message))
      .on("error", (/** @type {Error & { code?: string }} */ error) =>
        this.#end(
          error.code === "ERR_WORKER_OUT_OF_MEMORY"
            ? new ThreadStopped("memory")
            : new ThreadStopped("crash", error.message),
        ),
      )
      .on("exit", () => this.#end(new ThreadStopped("crash")));
  }

  /** What waits for the thread fails. @param {ThreadStopped} reason */
  async stop(reason) {
    this.#end(reason);
    await this.#worker.terminate();
  }

  get isRunningCode() {
    return this.#waiting.size > 0;
  }

  /**
   * @param {number} id
   * @param {FunctionOfThread} handlers
   */
  add(id, handlers) {
    this.#functions.set(id, handlers);
  }

  /** @param {number} id */
  remove(id) {
    this.#functions.delete(id);
    if (!this.stopped) this.#send({ ended: id });
  }

  /**
   * Runs a function's code until it pauses.
   *
   * @param {ContinueMessage} message
   * @param {Bundle} bundle
   * @param {(bundle: Bundle) => BundleMessage} describe
   * @returns {Promise<PauseMessage>}
   */
  run(message, bundle, describe) {
    return new Promise((resolve, reject) => {
      if (this.stopped) throw this.stopped;
      const known = this.#bundles.has(bundle);
      this.#bundles.add(bundle);
      const { codeMs } = message;
      const unwatch =
        codeMs === undefined
          ? () => {}
          : afterCodeTime(codeMs + GRACE_MS, () => {
              void this.stop(new ThreadStopped("timeout"));
            });
      const done = () => {
        unwatch();
        this.#waiting.delete(fail);
      };
      const fail = (/** @type {ThreadStopped} */ reason) => {
        done();
        reject(reason);
      };
      this.#waiting.add(fail);
      const handlers = this.#functions.get(message.function);
      if (!handlers) throw new Error("The function has ended");
      handlers.paused = (pause) => {
        done();
        resolve(pause);
      };
      this.#send(known ? message : { ...message, bundle: describe(bundle) });
    });
  }

  /** @param {ToThread} message */
  #send(message) {
    this.#worker.postMessage(message);
  }

  /** @param {FromThread} message */
  #receive(message) {
    const handlers = this.#functions.get(message.function);
    switch (message.type) {
      case "pause":
        return handlers?.paused(message);
      case "print":
        return handlers?.print(message.lines);
      case "question":
        return this.#answer(handlers, message);
    }
  }

  /**
   * @param {FunctionOfThread | undefined} handlers
   * @param {QuestionMessage} question
   */
  #answer(handlers, question) {
    /** @type {Answer} */
    let answer;
    try {
      answer = { result: handlers?.answer(question) };
    } catch (error) {
      answer = { error: describeError(error) };
    }
    this.#answers.postMessage(answer);
    Atomics.store(this.#signal, 0, 1);
    Atomics.notify(this.#signal, 0);
  }

  /** @param {ThreadStopped} reason */
  #end(reason) {
    if (this.stopped) return;
    this.stopped = reason;
    this.#answers.close();
    for (const fail of [...this.#waiting]) fail(reason);
  }
}
