// @ts-check
/** The syscalls of actions. All of them happen outside a transaction. */
import { FunctionError } from "./errors.mjs";
import { identityAcross } from "./frames.mjs";
import { ofKind } from "./functions.mjs";
import { cancelJob, scheduleJob } from "./jobSyscalls.mjs";
import {
  deploymentMetadata,
  functionMetadata,
  requestMetadata,
} from "./metadata.mjs";

/** @import { ActionFrame } from "./actions.mjs" */
/** @import { Frame } from "./frames.mjs" */
/** @import { FunctionAddress } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */
/** @import { TransactionOptions } from "./transactions.mjs" */
/** @import { FunctionKind } from "./types.mjs" */
/** @typedef {(frame: ActionFrame, args: any) => Promise<any>} Handler takes and gives JSON */

/** Calls that may commit without the caller learning of it. */
const WRITES = new Set([
  "1.0/actions/mutation",
  "1.0/actions/schedule",
  "1.0/actions/cancel_job",
]);

/** @param {Host} host */
export function actionSyscalls(host) {
  const { faults, functions, transactions } = host;

  /** @type {Record<string, Handler>} */
  const handlers = {
    "1.0/actions/query": (frame, args) =>
      callInTransaction(frame, "query", args),
    "1.0/actions/mutation": (frame, args) =>
      callInTransaction(frame, "mutation", args),
    "1.0/actions/action": callAction,
    "1.0/actions/schedule": (frame, args) =>
      inTransaction(frame, (inner) => scheduleJob(functions, inner, args)),
    "1.0/actions/cancel_job": (frame, args) =>
      inTransaction(frame, (inner) => cancelJob(inner, args)),
    "1.0/createFunctionHandle": async ({ target }, args) =>
      functions.handleOf(functions.resolve(args, target.componentPath)),
    "1.0/getUserIdentity": async ({ identity }) => identity,
    "1.0/getFunctionMetadata": async ({ target }) => functionMetadata(target),
    "1.0/getRequestMetadata": async ({ origin, target }) =>
      requestMetadata(origin, target),
    "1.0/getDeploymentMetadata": async () => deploymentMetadata(),
  };

  /** @type {(frame: ActionFrame, name: string, args: any) => Promise<any>} */
  return async (frame, name, args) => {
    const handle = handlers[name];
    if (!handle)
      throw new FunctionError(`"${name}" is not available in actions here`);
    if (!name.startsWith("1.0/actions/")) return await handle(frame, args);
    const call = args.name ?? args.reference ?? name;
    await mayCrash(frame, "before", call);
    await faults.waitForCall();
    const result = await handle(frame, args);
    await mayCrash(frame, "after", call);
    if (WRITES.has(name) && faults.losesReport(frame.target.path))
      throw new FunctionError("Connection lost while the call was in flight");
    return result;
  };

  /**
   * @param {ActionFrame} frame
   * @param {"query" | "mutation"} kind
   * @param {any} args
   */
  async function callInTransaction(frame, kind, { args, ...address }) {
    const { target, origin } = resolve(frame, kind, address);
    const alwaysConflicts =
      kind === "mutation" && faults.actionConflicts(frame.target.path);
    const json = await transactions.run(target, JSON.stringify(args), {
      ...optionsOf(frame),
      origin,
      alwaysConflicts,
    });
    return JSON.parse(json);
  }

  /**
   * @param {ActionFrame} frame
   * @param {any} args
   */
  async function callAction(frame, { args, ...address }) {
    const { target, origin } = resolve(frame, "action", address);
    const { actions } = host;
    return JSON.parse(
      await actions.runNested(target, JSON.stringify(args), origin, frame),
    );
  }

  /**
   * @param {ActionFrame} frame
   * @param {FunctionKind} kind
   * @param {FunctionAddress} address
   */
  function resolve(frame, kind, address) {
    const { componentPath } = frame.target;
    const target = ofKind(functions.resolve(address, componentPath), kind);
    const identity = identityAcross(frame, target);
    return { target, origin: { ...frame.origin, identity } };
  }

  /**
   * @param {ActionFrame} frame
   * @param {(inner: Frame) => Promise<any>} body
   */
  async function inTransaction(frame, body) {
    const options = { ...optionsOf(frame), origin: frame.origin };
    const json = await transactions.runBody(frame.target, options, async (f) =>
      JSON.stringify(await body(f)),
    );
    return JSON.parse(json);
  }

  /** @param {ActionFrame} frame */
  function optionsOf({ tree }) {
    /** @type {Pick<TransactionOptions, "retries" | "onKilled">} */
    const options = { retries: "call", onKilled: () => tree.crash() };
    return options;
  }

  /**
   * @param {ActionFrame} frame
   * @param {"before" | "after"} when
   * @param {string} call
   */
  async function mayCrash({ target, tree }, when, call) {
    const { componentPath, path: action } = target;
    if (faults.crashesAt({ when, componentPath, action, call }))
      await tree.crash();
  }
}
