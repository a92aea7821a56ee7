// @ts-check
/** Runs the actions of modules with "use node" in threads with full Node access. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Worker } from "node:worker_threads";
import {
  DeploymentClosed,
  FunctionError,
  dataOf,
  isCatchable,
  messageOf,
  timedOut,
} from "../errors.mjs";
import { resultOf } from "../functionRun.mjs";
import { afterCodeTime } from "./codeTime.mjs";

/** @import { Invocation } from "../functionRun.mjs" */
/** @import { Clock } from "../types.mjs" */
/** @import { FromNodeThread, ToNodeThread } from "./messages.mjs" */

const MAX_ACTION_MS = 10 * 60_000;
/** The time limit for evaluating one module, which no reasonable module reaches. */
const MAX_MODULE_MS = 10_000;
const MAX_IDLE = 4;

/** @typedef {{ path: string, source: string, sourceMap?: string | null, environment: string }} Module */
/** @typedef {Pick<Invocation, "modulePath" | "name" | "argsJson" | "print" | "asyncSyscall"> & { dir: string, env: Record<string, string> }} NodeInvocation */

export class NodeThreads {
  #folder;
  /** @type {Set<NodeThread>} */
  #all = new Set();
  /** The idle threads, by the folder of their modules. @type {Map<string, NodeThread[]>} */
  #idle = new Map();
  #isClosed = false;
  /** A thread's messages must not arrive in the context of the code that started it. */
  #outside = AsyncLocalStorage.snapshot();

  /** @param {string} folder for modules: from there, the app's packages are found */
  constructor(folder) {
    // Each deployment in a process removes its own folder.
    this.#folder = path.join(folder, `${process.pid}-${randomUUID()}`);
  }

  /**
   * Writes the modules where Node can load them.
   *
   * @param {Module[]} modules
   * @returns {Promise<string>} the folder
   */
  async write(modules) {
    await this.#removeLeftovers();
    const hash = createHash("sha256").update(JSON.stringify(modules));
    const dir = path.join(this.#folder, hash.digest("hex").slice(0, 16));
    const write = async (
      /** @type {string} */ name,
      /** @type {string} */ text,
    ) => {
      const file = path.join(dir, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    };
    await write("package.json", '{ "type": "module" }');
    for (const { path: file, source, sourceMap } of modules) {
      await write(file, source);
      if (sourceMap) await write(`${file}.map`, sourceMap);
    }
    return dir;
  }

  /**
   * Returns a module's functions, for a push.
   *
   * @param {string} dir
   * @param {string} modulePath
   */
  async analyze(dir, modulePath) {
    const thread = this.#newThread();
    try {
      const file = path.join(dir, modulePath);
      const functions = await new Promise((resolve, reject) => {
        const unwatch = afterCodeTime(MAX_MODULE_MS, () =>
          reject(
            `evaluating the module takes more than ${MAX_MODULE_MS / 1000} seconds`,
          ),
        );
        thread.use((message) => {
          if (message.type !== "analyzed") return;
          unwatch();
          if (message.error !== undefined) reject(`Uncaught ${message.error}`);
          else resolve(message.functions);
        }, reject);
        thread.send({ type: "analyze", file });
      });
      for (const { name, udfType } of functions)
        if (udfType !== "Action")
          throw `\`${name}\` is a ${udfType.toLowerCase()}, and only actions can be defined in Node.js`;
      return functions;
    } catch (reason) {
      throw new Error(`Failed to analyze ${modulePath}: ${reason}`, {
        cause: reason,
      });
    } finally {
      this.#discard(thread);
    }
  }

  /**
   * @param {NodeInvocation} invocation
   * @param {{ clock: Clock, crashed: Promise<never> }} options `crashed` rejects when the action crashes
   * @returns {Promise<string>} the result as JSON
   */
  async run(invocation, { clock, crashed }) {
    if (this.#isClosed) throw new DeploymentClosed("The deployment is closed");
    const { dir, modulePath, name, argsJson, env } = invocation;
    const thread = this.#idle.get(dir)?.pop() ?? this.#newThread();
    let hasSettled = false;
    let cancelTimer = () => {};
    try {
      const outcome = await new Promise((resolve, reject) => {
        thread.use(
          (message) =>
            this.#receive(thread, invocation, message, resolve, reject),
          (reason) => reject(new FunctionError(`Uncaught ${reason}\n`)),
        );
        crashed.catch(reject);
        cancelTimer = clock.setTimer(MAX_ACTION_MS, () =>
          reject(new FunctionError(timedOut(MAX_ACTION_MS))),
        );
        const file = path.join(dir, modulePath);
        thread.send({ type: "run", file, name, argsJson, env });
      });
      hasSettled = true;
      return resultOf(outcome);
    } finally {
      cancelTimer();
      if (hasSettled) this.#giveBack(thread, dir);
      else this.#discard(thread);
    }
  }

  /** Other modules were deployed. @param {string | undefined} dir */
  keepOnly(dir) {
    for (const [other, threads] of this.#idle)
      if (other !== dir)
        for (const thread of threads.splice(0)) this.#discard(thread);
  }

  async close() {
    this.#isClosed = true;
    await Promise.all([...this.#all].map((thread) => thread.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /**
   * @param {NodeThread} thread
   * @param {NodeInvocation} invocation
   * @param {FromNodeThread} message
   * @param {(outcome: any) => void} resolve
   * @param {(error: unknown) => void} reject
   */
  async #receive(thread, invocation, message, resolve, reject) {
    switch (message.type) {
      case "print":
        return invocation.print(message.level, message.message);
      case "settled":
        return resolve(message.outcome);
      case "call":
        try {
          const { id, name, argsJson } = message;
          const result = await invocation.asyncSyscall(name, argsJson);
          thread.send({ type: "reply", id, result });
        } catch (error) {
          if (!isCatchable(error)) return reject(error);
          thread.send({
            ...{ type: "reply", id: message.id },
            error: { message: messageOf(error), data: dataOf(error) },
          });
        }
    }
  }

  #newThread() {
    const thread = this.#outside(() => new NodeThread());
    this.#all.add(thread);
    return thread;
  }

  /**
   * @param {NodeThread} thread
   * @param {string} dir
   */
  #giveBack(thread, dir) {
    const idle = this.#idle.get(dir) ?? [];
    this.#idle.set(dir, idle);
    if (idle.length >= MAX_IDLE || this.#isClosed) this.#discard(thread);
    else {
      thread.use(
        () => {},
        () => this.#discard(thread),
      );
      idle.push(thread);
    }
  }

  /** @param {NodeThread} thread */
  #discard(thread) {
    this.#all.delete(thread);
    for (const idle of this.#idle.values()) {
      const index = idle.indexOf(thread);
      if (index >= 0) idle.splice(index, 1);
    }
    void thread.stop();
  }

  /** Removes folders of deployments whose process was killed. */
  async #removeLeftovers() {
    const parent = path.dirname(this.#folder);
    for (const name of await readdir(parent).catch(() => [])) {
      const pid = /^(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid)))
        await rm(path.join(parent, name), { recursive: true, force: true });
    }
  }
}

class NodeThread {
  #worker;
  /** @type {(message: FromNodeThread) => void} */
  #receive = () => {};
  /** @type {(reason: unknown) => void} */
  #fail = () => {};

  constructor() {
    this.#worker = new Worker(new URL("nodeThread.mjs", import.meta.url), {
      env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" },
      execArgv: ["--enable-source-maps"],
    });
    this.#worker
      .on("message", (message) => this.#receive(message))
      .on("error", (error) => this.#fail(error))
      .on("exit", () =>
        this.#fail("Error: The thread of the action has ended"),
      );
  }

  /**
   * @param {(message: FromNodeThread) => void} receive
   * @param {(reason: unknown) => void} fail
   */
  use(receive, fail) {
    this.#receive = receive;
    this.#fail = fail;
  }

  /** @param {ToNodeThread} message */
  send(message) {
    this.#worker.postMessage(message);
  }

  async stop() {
    this.use(
      () => {},
      () => {},
    );
    await this.#worker.terminate();
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
