/** What the engine's files and those that use it share: types only. */
import type { JSONValue, Value } from "convex/values";
import type { FaultOptions } from "./faults.mjs";

export type { FaultOptions, JSONValue };

export type FunctionKind = "query" | "mutation" | "action";

export interface Caller {
  /** Whether internal functions, and those of components, may be called. */
  admin: boolean;
  /** What `ctx.auth.getUserIdentity()` gives. */
  identity?: object | null;
}

export interface CallRequest {
  /** Default: whichever the function is. */
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
  /** What a query read: while none of it is written, it gives the same again. */
  reads: TableSet;
}

export type CallResponse = AnyResponse &
  (
    | { status: "success"; value: JSONValue }
    | {
        status: "error";
        errorMessage: string;
        /** Of a ConvexError. */
        errorData?: JSONValue;
        notFound?: boolean;
      }
  );

export interface LogLine {
  time: number;
  /** As in `console.log`, in capitals. */
  level: string;
  componentPath: string;
  function: string;
  message: string;
  requestId: string;
}

/** What `_system/cli/modules:apiSpec` says of a function. */
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
  /** Null: it is removed. */
  value: string | null;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array;
  /** As of a Caller. */
  identity?: object | null | undefined;
}

export interface HttpResponse {
  status: number;
  headers: [string, string][];
  body: Uint8Array;
}

export interface DeployReport {
  /** The paths of all components that are mounted. */
  componentPaths: string[];
  /** Of these, the ones that were not mounted before. */
  addedComponents: string[];
  removedComponents: string[];
  /** What the push contains in vain, for whoever pushed. */
  notServed: string[];
}

export interface Deployment {
  /** What a push would become: the reply to `start_push`. Throws what the developer has to mend. */
  analyze(push: object): Promise<object>;
  /** Makes a push the running code. The data of all tables is kept; throws if it does not fit the schema. */
  deploy(push: object): Promise<DeployReport>;
  /** Never rejects because of what the function does. */
  call(request: CallRequest): Promise<CallResponse>;
  /** Has `convex/http.ts` answer a request. Never rejects because of what that does. */
  fetch(request: HttpRequest): Promise<HttpResponse>;
  /** Where the deployment is served: its functions find it in their environment. */
  setUrls(urls: { url: string; siteUrl: string }): void;
  /** After every committed write; without what was written, anything may have changed. */
  onCommit(listener: (writes?: TableSet) => void): () => void;
  onLog(listener: (line: LogLine) => void): () => void;
  functionsSpec(componentPath?: string): FunctionSpec[];
  /** The app's environment variables, in order of their names. */
  environment(): EnvironmentVariable[];
  /** Throws, and changes none, if one can't be. */
  changeEnvironment(changes: EnvironmentChange[]): void;
  /** The names of a component's tables. */
  tables(componentPath?: string): string[];
  /** Every row of a table, in order of creation. */
  rows(table: string, componentPath?: string): Promise<any[]>;
  /**
   * Inserts rows without a function, for tests that need many. One may have a `_creationTime`. Returns their ids.
   */
  insert(
    table: string,
    documents: Record<string, Value>[],
    componentPath?: string,
  ): Promise<string[]>;
  /** As in the dashboard: all scheduled functions of a component that have not ended, or those chosen. */
  cancelScheduled(
    componentPath?: string,
    isChosen?: () => boolean,
  ): Promise<void>;
  /** How often each fault has struck, by name. */
  hazards(): Record<string, number>;
  /** Resolves when nothing runs; what is scheduled for later may remain. */
  idle(): Promise<void>;
  /** Ends at once what runs and forgets what is scheduled. */
  close(): Promise<void>;
}

/** Time as the deployment sees it. */
export interface Clock {
  now(): number;
  /** Calls `fire` once, `ms` from now; returns a function that prevents it. */
  setTimer(ms: number, fire: () => void): () => void;
  /** Where time is real: lets whatever else the process does have its turn. */
  giveWay?(): Promise<void>;
}

export interface DeploymentOptions {
  faults?: FaultOptions;
  /** Of everything random. Default: 0. */
  seed?: number;
  /** Default: the real time. */
  clock?: Clock;
  /**
   * What a query's or a mutation's own code may take, with that of all that it
   * calls. Default: 1 s where time is real. Where it is virtual, code is charged instead, as
   * `faults.userTime` says.
   */
  codeTimeoutMs?: number;
  /**
   * Components whose queries and mutations use each other's contexts again. Faster,
   * and unlike the platform: the state of their modules survives. Default: none.
   */
  sharesContexts?: (componentPath: string) => boolean;
  /**
   * Functions run in threads of their own: whatever their code does, the deployment goes on and
   * can end them. Time must be real. Default: false.
   */
  threads?: boolean;
  /**
   * With threads: where modules with "use node" are written. From there, Node finds the app's
   * packages. Default: a folder for temporary files.
   */
  nodeFolder?: string;
  /** Environment variables of the app's functions. */
  env?: Record<string, string>;
  /** Is given each line that a function logs. */
  print?: (line: LogLine) => void;
}
