// @ts-check
/**
 * Runs functions in threads, so that their code can't block the deployment, which can end them at any time. A
 * transaction shares one thread with everything that it calls. Each action has its own.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { compiledModule } from "../../../moduleScripts.mjs";
import {
  DeploymentClosed,
  FunctionError,
  timedOut,
  TransactionAborted,
} from "../errors.mjs";
import { restoredError } from "./thrownError.mjs";
import { ThreadStopped, ThreadWorker } from "./threadWorker.mjs";

/** @import { Bundle } from "../bundle.mjs" */
/** @import { ActionHost, FunctionRun, Invocation, Outcome, PendingCall, StartFunction } from "../functionRun.mjs" */
/** @import { BundleMessage, ContinueMessage, QuestionMessage, Request, StartMessage } from "./messages.mjs" */

/** Starting a thread takes longer than most functions do. */
const MAX_IDLE = 8;

export class FunctionThreads {
  /** @type {Set<ThreadWorker>} */
  #all = new Set();
  /** @type {ThreadWorker[]} */
  #idle = [];
  /** The number of functions that each thread runs. @type {Map<ThreadWorker, number>} */
  #users = new Map();
  /** The thread of each transaction, by its budget. @type {WeakMap<object, ThreadWorker>} */
  #ofTransactions = new WeakMap();
  /** The threads that know the current code. @type {WeakSet<ThreadWorker>} */
  #current = new WeakSet();
  #isClosed = false;
  /** A thread's messages must not arrive in the context of the transaction that started it. */
  #outside = AsyncLocalStorage.snapshot();

  /** @type {StartFunction} */
  start = (invocation, onCall, action) => {
    if (this.#isClosed) throw closed();
    const thread = this.#take(invocation.budget);
    const free = () => this.#giveBack(thread);
    return new RemoteFunction({ thread, invocation, onCall, action, free });
  };

  /** Call this after a deploy. Threads with the old code end once they are idle. */
  renew() {
    for (const thread of this.#idle.splice(0)) this.#discard(thread);
    this.#current = new WeakSet();
    this.#idle.push(this.#newThread());
  }

  async close() {
    this.#isClosed = true;
    const reason = new ThreadStopped("closed");
    await Promise.all([...this.#all].map((thread) => thread.stop(reason)));
  }

  #newThread() {
    const thread = this.#outside(() => new ThreadWorker());
    this.#all.add(thread);
    this.#current.add(thread);
    return thread;
  }

  /** @param {object | undefined} budget */
  #take(budget) {
    const shared = budget && this.#ofTransactions.get(budget);
    const thread = shared ?? this.#idle.pop() ?? this.#newThread();
    if (budget) this.#ofTransactions.set(budget, thread);
    this.#users.set(thread, (this.#users.get(thread) ?? 0) + 1);
    return thread;
  }

  /** @param {ThreadWorker} thread */
  #giveBack(thread) {
    const users = (this.#users.get(thread) ?? 0) - 1;
    this.#users.set(thread, users);
    if (users > 0) return;
    this.#users.delete(thread);
    const mayStay =
      !thread.stopped &&
      !thread.isRunningCode &&
      this.#current.has(thread) &&
      this.#idle.length < MAX_IDLE;
    if (mayStay) this.#idle.push(thread);
    else this.#discard(thread);
  }

  /** @param {ThreadWorker} thread */
  #discard(thread) {
    this.#all.delete(thread);
    void thread.stop(new ThreadStopped("closed"));
  }
}

let lastFunction = 0;
let lastBundle = 0;

/** @type {WeakMap<Bundle, BundleMessage>} */
const bundleMessages = new WeakMap();

/** @implements {FunctionRun} */
class RemoteFunction {
  #id = ++lastFunction;
  #thread;
  #invocation;
  #onCall;
  #action;
  #free;
  /** @type {StartMessage | undefined} */
  #start;
  /** @type {ContinueMessage["replies"]} */
  #replies = [];
  /** @type {Outcome | undefined} */
  #outcome;
  #hasEnded = false;

  /**
   * @param {object} options
   * @param {ThreadWorker} options.thread
   * @param {Invocation} options.invocation
   * @param {(call: PendingCall) => void} options.onCall
   * @param {ActionHost | undefined} options.action
   * @param {() => void} options.free
   */
  constructor({ thread, invocation, onCall, action, free }) {
    this.#thread = thread;
    this.#invocation = invocation;
    this.#onCall = onCall;
    this.#action = action;
    this.#free = free;
    const { kind, modulePath, name, method, argsJson } = invocation;
    this.#start = {
      ...{ kind, modulePath, name, method, argsJson },
      bundle: bundleMessage(invocation.bundle).id,
      now: kind === "action" ? undefined : invocation.now(),
      seed: Math.floor(invocation.random() * 2 ** 32),
      maxCodeMs: invocation.budget?.codeMs && invocation.budget.maxCodeMs,
    };
    thread.add(this.#id, {
      paused() {},
      print(lines) {
        for (const [level, message] of lines) invocation.print(level, message);
      },
      answer: (question) => answerTo(invocation, question),
    });
  }

  outcome() {
    return this.#outcome;
  }

  async continue() {
    const { bundle, budget } = this.#invocation;
    const start = this.#start;
    this.#start = undefined;
    const codeMs = budget?.codeMs;
    /** @type {ContinueMessage} */
    const message = {
      function: this.#id,
      ...(start && { start }),
      replies: this.#replies.splice(0),
      codeMs,
    };
    const pause = await this.#thread
      .run(message, bundle, bundleMessage)
      .catch((error) => {
        throw this.#whyStopped(error);
      });
    if (budget) budget.codeMs = pause.codeMs;
    if (pause.error) throw restoredError(pause.error);
    this.#outcome = pause.outcome;
    for (const request of pause.requests) this.#fulfil(request);
  }

  end() {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#thread.remove(this.#id);
    this.#free();
  }

  /** @param {Request} request */
  #fulfil(request) {
    const reply = (/** @type {any[]} */ ...args) =>
      void this.#replies.push({ request: request.id, args });
    switch (request.kind) {
      case "call":
        return this.#onCall({ ...request, reply });
      case "sleep":
        return this.#action?.sleep(request.ms, reply);
      case "fetch":
        return this.#action?.fetch(request.request, request.body, reply);
    }
  }

  /** @param {unknown} error */
  #whyStopped(error) {
    if (!(error instanceof ThreadStopped)) return error;
    const { kind, budget } = this.#invocation;
    if (error.reason === "closed") return closed();
    const Class = kind === "action" ? FunctionError : TransactionAborted;
    return new Class(
      error.reason === "timeout"
        ? timedOut(budget?.maxCodeMs ?? 0)
        : error.reason === "memory"
          ? "JavaScript execution ran out of memory (maximum memory usage: 64 MB)"
          : `The local backend's thread failed: ${error.message}`,
    );
  }
}

/**
 * @param {Invocation} invocation
 * @param {QuestionMessage} question
 */
function answerTo(invocation, { what, args }) {
  const [name = "", argsJson = ""] = args;
  return what === "env"
    ? invocation.env(name)
    : invocation.syscall(name, argsJson);
}

/**
 * @param {Bundle} bundle
 * @returns {BundleMessage}
 */
function bundleMessage(bundle) {
  let message = bundleMessages.get(bundle);
  if (!message) {
    message = {
      id: ++lastBundle,
      modules: [...bundle.scripts].map(([path, script]) => {
        const module = compiledModule(script);
        if (!module) throw new Error(`"${path}" has not been compiled here`);
        return [path, module];
      }),
    };
    bundleMessages.set(bundle, message);
  }
  return message;
}

function closed() {
  return new DeploymentClosed("The deployment is closed");
}
