import type {
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
  GenericQueryCtx,
} from "convex/server";
import type { WorkflowCtx } from "../../client/index.js";

// Tests and the functions of the app under test share one realm, so a test can script them.

export type Handler = (step: WorkflowCtx, input: any) => Promise<unknown>;
type StepFunction<Ctx> = (ctx: Ctx, input: any) => unknown;

interface Scripts {
  handler: Handler;
  query: StepFunction<GenericQueryCtx<GenericDataModel>>;
  mutation: StepFunction<GenericMutationCtx<GenericDataModel>>;
  action: StepFunction<GenericActionCtx<GenericDataModel>>;
}

const scripts = new Map<string, unknown>();

export function script<Kind extends keyof Scripts>(
  kind: Kind,
  name: string,
  body: Scripts[Kind],
) {
  scripts.set(`${kind}:${name}`, body);
}

export function scripted<Kind extends keyof Scripts>(
  kind: Kind,
  name: string,
): Scripts[Kind] {
  const body = scripts.get(`${kind}:${name}`);
  if (!body) throw new Error(`The test has no ${kind} script "${name}"`);
  return body as Scripts[Kind];
}

export function clearScripts() {
  scripts.clear();
}
