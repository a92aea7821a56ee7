// @ts-check
/** What actions may ask of their host: all of it happens outside of transactions of theirs. */
import { FunctionError } from "./errors.mjs";
import { ofKind } from "./functions.mjs";
import { cancelJob, scheduleJob } from "./jobSyscalls.mjs";
import {
  deploymentMetadata,
  functionMetadata,
  requestMetadata,
} from "./metadata.mjs";

/** @import { ActionFrame } from "./actions.mjs" */
/** @import { Host } from "./host.mjs" */
/** @typedef {(frame: ActionFrame, args: any) => Promise<any>} Handler takes and gives JSON */

/** After which a mutation called from an action gives up. */
const MAX_CONFLICTS = 4;

/** @param {Host} host */
export function actionSyscalls(host) {
  /** @type {Record<string, Handler>} */
  const handlers = {
    "1.0/actions/query": (frame, args) => call(frame, "query", args),
    "1.0/actions/mutation": (frame, args) => call(frame, "mutation", args),
    "1.0/actions/action": (frame, args) => call(frame, "action", args),
    "1.0/actions/schedule": (frame, args) =>
      inTransaction(frame, (inner) => scheduleJob(host.functions, inner, args)),
    "1.0/actions/cancel_job": (frame, args) =>
      inTransaction(frame, (inner) => cancelJob(inner, args)),
    "1.0/actions/vectorSearch": passOn("1.0/actions/vectorSearch"),
    "1.0/storageGetUrl": passOn("1.0/storageGetUrl"),
    "1.0/storageDelete": passOn("1.0/storageDelete"),
    "1.0/storageGenerateUploadUrl": passOn("1.0/storageGenerateUploadUrl"),
    "1.0/createFunctionHandle": async ({ target }, args) =>
      host.functions.handleOf(
        host.functions.resolve(args, target.componentPath),
      ),
    "1.0/getUserIdentity": async ({ identity }) => identity,
    "1.0/getFunctionMetadata": async ({ target }) => functionMetadata(target),
    "1.0/getRequestMetadata": async ({ origin, target }) =>
      requestMetadata(origin, target),
    "1.0/getDeploymentMetadata": async () => deploymentMetadata(),
  };

  /**
   * @param {ActionFrame} frame
   * @param {"query" | "mutation" | "action"} kind
   * @param {any} args
   */
  async function call(frame, kind, { args, ...address }) {
    const { componentPath } = frame.target;
    const target = ofKind(host.functions.resolve(address, componentPath), kind);
    const argsJson = JSON.stringify(args);
    const identity =
      target.componentPath === componentPath ? frame.identity : null;
    const origin = { ...frame.origin, identity };
    const result =
      kind === "action"
        ? await host.actions.run(target, argsJson, origin, frame)
        : await host.transactions.run(target, argsJson, {
            origin,
            maxConflicts: MAX_CONFLICTS,
          });
    return JSON.parse(result);
  }

  /**
   * @param {ActionFrame} frame
   * @param {(inner: import("./frames.mjs").Frame) => Promise<any>} body
   */
  async function inTransaction({ origin, target }, body) {
    const json = await host.transactions.runBody(
      target,
      { origin },
      async (f) => JSON.stringify(await body(f)),
    );
    return JSON.parse(json);
  }

  /**
   * @param {string} name
   * @returns {Handler}
   */
  function passOn(name) {
    return (frame, args) =>
      inTransaction(frame, ({ store }) => store.asyncSyscall(name, args));
  }

  /** @type {(frame: ActionFrame, name: string, args: any) => Promise<any>} */
  return async (frame, name, args) => {
    const handle = handlers[name];
    if (handle) return await handle(frame, args);
    throw new FunctionError(`"${name}" is not available in actions here`);
  };
}
