import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference, type FunctionReference } from "convex/server";
import type { JSONValue } from "convex/values";
import { afterEach, beforeEach } from "vitest";
import type {
  CallRequest,
  CallResponse,
  LogLine,
  TableSet,
} from "../backend/types.mjs";
import { startLocalServer } from "./localServer.mjs";

type Handler = (request: CallRequest) => JSONValue | Promise<JSONValue>;

/** An error in the form that the engine reports. */
export class FunctionFailure extends Error {
  constructor(
    message: string,
    readonly data?: JSONValue,
  ) {
    super(message);
  }
}

/** Stands in for the engine. `functions` are called by their paths. */
export class FakeDeployment {
  functions: Record<string, Handler> = {};
  /** The tables that each function reads, by its path. */
  reads: Record<string, string[]> = {};
  calls: CallRequest[] = [];
  pushes: object[] = [];
  analyze = async (_push: object): Promise<object> => ({ analysis: {} });
  addedComponents: string[] = [];
  #commitListeners = new Set<(writes?: TableSet) => void>();
  #logListeners = new Set<(line: LogLine) => void>();

  async call(request: CallRequest): Promise<CallResponse> {
    this.calls.push(request);
    const logLines: string[] = [];
    const reads = new Set(this.reads[request.path]);
    try {
      const handler = this.functions[request.path];
      if (!handler)
        throw new Error(`Could not find function for '${request.path}'`);
      const value = await handler(request);
      return { status: "success", value, logLines, reads };
    } catch (error) {
      const { message, data } = error as FunctionFailure;
      return {
        status: "error",
        errorMessage: message,
        ...(data !== undefined && { errorData: data }),
        logLines,
        reads,
      };
    }
  }

  async deploy(push: object) {
    this.pushes.push(push);
    const { addedComponents } = this;
    return {
      ...{ componentPaths: [], addedComponents, removedComponents: [] },
      notServed: [],
    };
  }

  setUrls() {}

  functionsSpec(componentPath = "") {
    return Object.keys(this.functions).map((path) => ({
      identifier: path.replace(":", ".js:"),
      functionType: "Query" as const,
      visibility: { kind: "public" as const },
      args: { type: "any", in: componentPath },
      returns: { type: "any" },
    }));
  }

  /** Reports a commit. By default, anything may have been written. */
  commit(writes?: string[]) {
    for (const listener of this.#commitListeners)
      listener(writes && new Set(writes));
  }

  log(line: Partial<LogLine>) {
    const whole = {
      time: Date.now(),
      level: "LOG",
      componentPath: "",
      function: "a:b",
      message: "",
      requestId: "r",
      ...line,
    };
    for (const listener of this.#logListeners) listener(whole);
  }

  onCommit(listener: (writes?: TableSet) => void) {
    this.#commitListeners.add(listener);
    return () => void this.#commitListeners.delete(listener);
  }

  onLog(listener: (line: LogLine) => void) {
    this.#logListeners.add(listener);
    return () => void this.#logListeners.delete(listener);
  }
}

/** Starts a server for each test of a file. `restart` puts another one in its place, on the same port. */
export function useTestServer() {
  const used = {} as { server: TestServer; restart: () => Promise<void> };
  const listen = async (options = {}) => {
    used.server = await startTestServer(options);
  };
  used.restart = async () => {
    const port = Number(new URL(used.server.url).port);
    await used.server.close();
    await listen({ port });
  };
  beforeEach(() => listen());
  afterEach(() => used.server.close());
  return used;
}

export type TestServer = Awaited<ReturnType<typeof startTestServer>>;

/** Starts a server with a fake deployment, to which an app was pushed. */
export async function startTestServer(options: { port?: number } = {}) {
  const server = await startUnpushedServer(options);
  await server.finishPush(await server.startPush({}));
  server.deployment.pushes = [];
  return server;
}

export async function startUnpushedServer(options: { port?: number } = {}) {
  const deployment = new FakeDeployment();
  const server = await startLocalServer({
    // Omits everything that the server itself never uses.
    deployment: deployment as any,
    adminKey: "the-key",
    ...options,
  });
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, init);
  const post = (path: string, body: unknown, headers: HeadersInit = {}) =>
    request(path, { method: "POST", headers, body: JSON.stringify(body) });
  return {
    ...server,
    deployment,
    httpClient: () => new ConvexHttpClient(server.url, { logger: false }),
    request,
    post,
    startPush: async (push: object) => {
      const started = await post("/api/deploy2/start_push", push, admin);
      return (await started.json()) as object;
    },
    finishPush: (startPush: object, options = {}) =>
      post(
        "/api/deploy2/finish_push",
        { startPush, dryRun: false, ...options },
        admin,
      ),
  };
}

/** A token as a client sends it, whose signature nobody checks. */
export const tokenOf = (claims: object) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.e30`;

export const admin = { Authorization: "Convex the-key" };

export function query(path: string): FunctionReference<"query"> {
  return makeFunctionReference<"query">(path);
}

export function mutation(path: string): FunctionReference<"mutation"> {
  return makeFunctionReference<"mutation">(path);
}

export function action(path: string): FunctionReference<"action"> {
  return makeFunctionReference<"action">(path);
}
