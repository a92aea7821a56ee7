/** The types that the engine and its users share. */
import type { JSONValue, Value } from "convex/values";
import type { FaultOptions } from "./faults.mjs";

export type { FaultOptions, JSONValue };

export type FunctionKind = "query" | "mutation" | "action";

export interface Caller {
  /** Whether the caller may call internal functions and those of components. */
  admin: boolean;
  /** The result of `ctx.auth.getUserIdentity()`. */
  identity?: object | null;
}

export interface CallRequest {
  /** Default: the function's own kind. */
  kind?: FunctionKind;
  /** Default: the app. */
  componentPath?: string;
  /** `dir/file:name` */
  path: string;
  /** An object of arguments, as `convexToJson` encodes it. */
  args: JSONValue;
  caller: Caller;
}

/** Each as `<component path>/<table>`. */
export type TableSet = ReadonlySet<string>;

interface AnyResponse {
  logLines: string[];
  /** The tables that a query read. Its result stays the same until one of them is written. */
  reads: TableSet;
}

export type CallResponse = AnyResponse &
  (
    | { status: "success"; value: JSONValue }
    | {
        status: "error";
        errorMessage: string;
        /** The data of a ConvexError. */
        errorData?: JSONValue;
        notFound?: boolean;
      }
  );

export interface LogLine {
  time: number;
  /** The console method in capitals. */
  level: string;
  componentPath: string;
  function: string;
  message: string;
  requestId: string;
}

/** A function as `_system/cli/modules:apiSpec` returns it. */
export interface FunctionSpec {
  identifier: string;
  functionType: "Query" | "Mutation" | "Action";
  visibility: { kind: "public" | "internal" } | null;
  args: JSONValue;
  returns: JSONValue;
}

export interface EnvironmentVariable {
  name: string;
  value: string;
}

export interface EnvironmentChange {
  name: string;
  /** Null removes the variable. */
  value: string | null;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array;
  /** The same as in `Caller`. */
  identity?: object | null | undefined;
}

export interface HttpResponse {
  status: number;
  headers: [string, string][];
  body: Uint8Array;
}

export interface DeployReport {
  /** The paths of all mounted components. */
  componentPaths: string[];
  /** The paths of newly mounted components. */
  addedComponents: string[];
  removedComponents: string[];
  /** Messages for the user about parts of the push that have no effect here. */
  notServed: string[];
}

export interface Deployment {
  /** Returns the reply to `start_push`. Throws errors that the developer must fix. */
  analyze(push: object): Promise<object>;
  /** Deploys a push and keeps all data. Throws if the data doesn't match the schema. */
  deploy(push: object): Promise<DeployReport>;
  /** Calls a function. Never rejects because the function fails. */
  call(request: CallRequest): Promise<CallResponse>;
  /** Lets `convex/http.ts` answer a request. Never rejects because that fails. */
  fetch(request: HttpRequest): Promise<HttpResponse>;
  /** Sets the deployment's URLs, which functions find in their environment. */
  setUrls(urls: { url: string; siteUrl: string }): void;
  /** Listens for committed writes. Without `writes`, anything may have changed. */
  onCommit(listener: (writes?: TableSet) => void): () => void;
  onLog(listener: (line: LogLine) => void): () => void;
  functionsSpec(componentPath?: string): FunctionSpec[];
  /** The app's environment variables, sorted by name. */
  environment(): EnvironmentVariable[];
  /** Throws without any change if a variable can't be changed. */
  changeEnvironment(changes: EnvironmentChange[]): void;
  /** The names of a component's tables. */
  tables(componentPath?: string): string[];
  /** Every row of a table, in order of creation. */
  rows(table: string, componentPath?: string): Promise<any[]>;
  /**
   * Inserts rows without a function, for tests that need many. A row may have a `_creationTime`. Returns the ids.
   */
  insert(
    table: string,
    documents: Record<string, Value>[],
    componentPath?: string,
  ): Promise<string[]>;
  /** Cancels, as in the dashboard, all scheduled functions of a component that have not ended, or the chosen ones. */
  cancelScheduled(
    componentPath?: string,
    isChosen?: () => boolean,
  ): Promise<void>;
  /** How often each fault has occurred, by name. */
  hazards(): Record<string, number>;
  /** Resolves when nothing runs. Jobs may still be scheduled for later. */
  idle(): Promise<void>;
  /** Ends all running functions at once and drops scheduled ones. */
  close(): Promise<void>;
}

/** Time as the deployment sees it. */
export interface Clock {
  now(): number;
  /** Calls `fire` once, `ms` from now. Returns a function that prevents it. */
  setTimer(ms: number, fire: () => void): () => void;
  /** If time is real, lets other work of the process run. */
  giveWay?(): Promise<void>;
}

export interface DeploymentOptions {
  faults?: FaultOptions;
  /** The seed of everything random. Default: 0. */
  seed?: number;
  /** Default: the real time. */
  clock?: Clock;
  /**
   * The time limit for the code of a query or a mutation, including its calls. Default: 1 s if
   * time is real. If time is virtual, code is charged instead, as in `faults.userTime`.
   */
  codeTimeoutMs?: number;
  /**
   * Components whose queries and mutations reuse contexts. That is faster, but unlike on the
   * platform, modules keep their state. Default: none.
   */
  sharesContexts?: (componentPath: string) => boolean;
  /**
   * Runs functions in their own threads, so that the deployment isn't blocked and can end them.
   * Time must be real. Default: false.
   */
  threads?: boolean;
  /**
   * With threads, the folder for modules with "use node". Node resolves the app's packages from
   * there. Default: a folder for temporary files.
   */
  nodeFolder?: string;
  /** Environment variables of the app's functions. */
  env?: Record<string, string>;
  /** Called with each line that a function logs. */
  print?: (line: LogLine) => void;
}
