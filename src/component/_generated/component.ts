/* eslint-disable */
/**
 * Generated `ComponentApi` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type { FunctionReference } from "convex/server";

/**
 * A utility for referencing a Convex component's exposed API.
 *
 * Useful when expecting a parameter like `components.myComponent`.
 * Usage:
 * ```ts
 * async function myFunction(ctx: QueryCtx, component: ComponentApi) {
 *   return ctx.runQuery(component.someFile.someQuery, { ...args });
 * }
 * ```
 */
export type ComponentApi<Name extends string | undefined = string | undefined> =
  {
    event: {
      create: FunctionReference<
        "mutation",
        "internal",
        { name: string; workflowId: string },
        string,
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          workflowId: string;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            error?: string;
            eventId: string;
            name: string;
            sentAt?: number;
            state: "created" | "waiting" | "sent" | "consumed";
            stepNumber?: number;
            value?: any;
            waitingSince?: number;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      send: FunctionReference<
        "mutation",
        "internal",
        {
          eventId?: string;
          name?: string;
          result:
            | { kind: "success"; returnValue: any }
            | { error: string; errorData?: any; kind: "failed" }
            | { kind: "canceled" };
          strict?: boolean;
          workflowId?: string;
          workpoolOptions?: {
            defaultRetryBehavior?: {
              base: number;
              initialBackoffMs: number;
              maxAttempts: number;
              maxBackoffMs?: number;
            };
            execution?: "driver" | "pool";
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
            retryActionsByDefault?: boolean;
          };
        },
        string,
        Name
      >;
    };
    fence: {
      isCurrent: FunctionReference<
        "query",
        "internal",
        { generationNumber: number; workflowId: string },
        boolean,
        Name
      >;
    };
    journal: {
      beginTurn: FunctionReference<
        "mutation",
        "internal",
        {
          drive?: {
            driver: number;
            held?: {
              logLevel:
                "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
              revision: number;
              size: number;
            };
            outcome?:
              | { kind: "success"; returnValue: any }
              | {
                  error: string;
                  failure?:
                    | { data: any; name: "ConvexError" }
                    | { ms: number; name: "TimeoutError" };
                  kind: "failed";
                  nonRetryable?: boolean;
                  retryAt?: number;
                  startedAt?: number;
                }
              | { kind: "refused" };
            stepNumber: number;
          };
          generationNumber: number;
          timeoutMs?: number;
          workflowId: string;
        },
        | null
        | "unknown"
        | {
            blocked: boolean;
            completed?: {
              failure?:
                | { data: any; name: "ConvexError" }
                | { ms: number; name: "TimeoutError" };
              result:
                | { kind: "success"; returnValue: any }
                | { error: string; errorData?: any; kind: "failed" }
                | { kind: "canceled" };
              stepId: string;
              stepNumber: number;
            };
            journal?: Array<
              | string
              | Array<{
                  _creationTime: number;
                  _id: string;
                  argsOmitted?: boolean;
                  attempts?: Array<{
                    endedAt: number;
                    error: string;
                    startedAt: number;
                  }>;
                  delivery?: { issued: number; order: number };
                  drivenBy?: number;
                  dueAt?: number;
                  failedAttempts?: number;
                  failure?:
                    | { data: any; name: "ConvexError" }
                    | { ms: number; name: "TimeoutError" };
                  group?: number;
                  heldBack?: {
                    error: string;
                    generationNumber: number;
                    shown: number;
                  };
                  progress?: any;
                  retry?: {
                    base: number;
                    initialBackoffMs: number;
                    maxAttempts: number;
                    maxBackoffMs?: number;
                  };
                  startsRun?: boolean;
                  step:
                    | {
                        args: any;
                        argsSize: number;
                        completedAt?: number;
                        functionType: "query" | "mutation" | "action";
                        handle: string;
                        inProgress: boolean;
                        kind?: "function";
                        name: string;
                        runResult?:
                          | { kind: "success"; returnValue: any }
                          | { error: string; errorData?: any; kind: "failed" }
                          | { kind: "canceled" };
                        startedAt: number;
                        workId?: string;
                      }
                    | {
                        args: any;
                        argsSize: number;
                        completedAt?: number;
                        handle: string;
                        inProgress: boolean;
                        kind: "workflow";
                        name: string;
                        runResult?:
                          | { kind: "success"; returnValue: any }
                          | { error: string; errorData?: any; kind: "failed" }
                          | { kind: "canceled" };
                        startedAt: number;
                        workflowId?: string;
                      }
                    | {
                        args: { eventId?: string };
                        argsSize: number;
                        completedAt?: number;
                        eventId?: string;
                        inProgress: boolean;
                        kind: "event";
                        name: string;
                        runResult?:
                          | { kind: "success"; returnValue: any }
                          | { error: string; errorData?: any; kind: "failed" }
                          | { kind: "canceled" };
                        startedAt: number;
                      }
                    | {
                        args: any;
                        argsSize: number;
                        completedAt?: number;
                        inProgress: boolean;
                        kind: "sleep";
                        name: string;
                        runResult?:
                          | { kind: "success"; returnValue: any }
                          | { error: string; errorData?: any; kind: "failed" }
                          | { kind: "canceled" };
                        startedAt: number;
                        workId?: string;
                      }
                    | {
                        args: any;
                        argsSize: number;
                        completedAt?: number;
                        inProgress: boolean;
                        kind: "patch";
                        name: string;
                        runResult?:
                          | { kind: "success"; returnValue: any }
                          | { error: string; errorData?: any; kind: "failed" }
                          | { kind: "canceled" };
                        startedAt: number;
                      };
                  stepNumber: number;
                  timeoutMs?: number;
                  timer?: { endsAt: number; scheduledId: string };
                  unstarted?: boolean;
                  wakes?: "always" | "never" | "all" | "allSettled" | "any";
                  workflowId: string;
                }>
            >;
            journalSize: number;
            logLevel: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            tooLarge?: { name: string; size: number; stepNumber: number };
            workflow: {
              _creationTime: number;
              _id: string;
              args: any;
              cleanedUp?: boolean;
              driver?: {
                checkId: string;
                revision?: number;
                scheduledId?: string;
                startedAt?: number;
                workId?: string;
              };
              drivers?: number;
              dueTask?: string;
              endedAt?: number;
              engineVersion?: number;
              execution?: "driver" | "pool";
              failedAt?: { line?: string; stepNumber?: number };
              generationNumber: number;
              key?: string;
              logLevel?: any;
              maxParallelism?: number;
              name?: string;
              onComplete?: { context?: any; fnHandle: string };
              parent?: {
                generationNumber: number;
                stepNumber: number;
                workflowId: string;
              };
              pendingTurn?:
                | { workId: string }
                | {
                    checkId: string;
                    dueAt?: number;
                    isLost?: boolean;
                    scheduledId: string;
                  };
              poolLogLevel?:
                "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
              progress?: any;
              restarting?: { doneFrom?: number; from: number };
              retention?: {
                canceled?: number;
                completed?: number;
                failed?: number;
              };
              revision?: number;
              runResult?:
                | { kind: "success"; returnValue: any }
                | { error: string; errorData?: any; kind: "failed" }
                | { kind: "canceled" };
              startedAt?: any;
              state?: any;
              timedOut?: boolean;
              timeoutMs?: number;
              trials?: { shown: number; steps: Array<number> };
              workflowHandle: string;
            };
          },
        Name
      >;
      commit: FunctionReference<
        "mutation",
        "internal",
        {
          caller?: {
            driver: number;
            shouldHandOver: boolean;
            willReceiveReply: boolean;
          };
          completed?: {
            failure?:
              | { data: any; name: "ConvexError" }
              | { ms: number; name: "TimeoutError" };
            result:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            stepId: string;
            stepNumber: number;
          };
          deliveries?: Array<{
            delivery: { issued: number; order: number };
            stepId: string;
          }>;
          end?: {
            failure?:
              | { data: any; name: "ConvexError" }
              | { ms: number; name: "TimeoutError" };
            origin?: {
              line?: string;
              step?: {
                child?: string;
                failed: boolean;
                name: string;
                stepNumber: number;
              };
              unawaited?: Array<{
                error: string;
                name: string;
                stepNumber: number;
              }>;
            };
            runResult:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
          };
          generationNumber: number;
          hasMore?: boolean;
          inFlight?: number;
          isAlone?: boolean;
          progress?: any;
          recordsMore?: boolean;
          steps: Array<{
            argsOmitted?: boolean;
            delivery?: { issued: number; order: number };
            failure?:
              | { data: any; name: "ConvexError" }
              | { ms: number; name: "TimeoutError" };
            group?: number;
            retry?:
              | boolean
              | {
                  base: number;
                  initialBackoffMs: number;
                  maxAttempts: number;
                  maxBackoffMs?: number;
                };
            schedulerOptions?: { runAt?: number } | { runAfter?: number };
            startsRun?: boolean;
            step:
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  functionType: "query" | "mutation" | "action";
                  handle: string;
                  inProgress: boolean;
                  kind?: "function";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  handle: string;
                  inProgress: boolean;
                  kind: "workflow";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workflowId?: string;
                }
              | {
                  args: { eventId?: string };
                  argsSize: number;
                  completedAt?: number;
                  eventId?: string;
                  inProgress: boolean;
                  kind: "event";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "sleep";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "patch";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                };
            stepId?: string;
            stepNumber?: number;
            timeoutMs?: number;
            wakes?: "always" | "never" | "all" | "allSettled" | "any";
            workflowName?: string;
          }>;
          trials?: { shown: number; steps: Array<number> };
          waits?: Array<{
            group?: number;
            stepId: string;
            wakes: "always" | "never" | "all" | "allSettled" | "any";
          }>;
          workflowId: string;
          workpoolOptions?: {
            defaultRetryBehavior?: {
              base: number;
              initialBackoffMs: number;
              maxAttempts: number;
              maxBackoffMs?: number;
            };
            execution?: "driver" | "pool";
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
            retryActionsByDefault?: boolean;
          };
        },
        null | Array<{
          _creationTime: number;
          _id: string;
          argsOmitted?: boolean;
          attempts?: Array<{
            endedAt: number;
            error: string;
            startedAt: number;
          }>;
          delivery?: { issued: number; order: number };
          drivenBy?: number;
          dueAt?: number;
          failedAttempts?: number;
          failure?:
            | { data: any; name: "ConvexError" }
            | { ms: number; name: "TimeoutError" };
          group?: number;
          heldBack?: { error: string; generationNumber: number; shown: number };
          progress?: any;
          retry?: {
            base: number;
            initialBackoffMs: number;
            maxAttempts: number;
            maxBackoffMs?: number;
          };
          startsRun?: boolean;
          step:
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                functionType: "query" | "mutation" | "action";
                handle: string;
                inProgress: boolean;
                kind?: "function";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                workId?: string;
              }
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                handle: string;
                inProgress: boolean;
                kind: "workflow";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                workflowId?: string;
              }
            | {
                args: { eventId?: string };
                argsSize: number;
                completedAt?: number;
                eventId?: string;
                inProgress: boolean;
                kind: "event";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
              }
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                inProgress: boolean;
                kind: "sleep";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                workId?: string;
              }
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                inProgress: boolean;
                kind: "patch";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
              };
          stepNumber: number;
          timeoutMs?: number;
          timer?: { endsAt: number; scheduledId: string };
          unstarted?: boolean;
          wakes?: "always" | "never" | "all" | "allSettled" | "any";
          workflowId: string;
        }>,
        Name
      >;
      exportHistory: FunctionReference<
        "query",
        "internal",
        { workflowId: string },
        {
          data: string;
          format: number;
          name: string;
          steps: number;
          workflowId: string;
        },
        Name
      >;
      load: FunctionReference<
        "query",
        "internal",
        { shortCircuit?: boolean; workflowId: string },
        {
          blocked?: boolean;
          journalEntries: Array<{
            _creationTime: number;
            _id: string;
            argsOmitted?: boolean;
            attempts?: Array<{
              endedAt: number;
              error: string;
              startedAt: number;
            }>;
            delivery?: { issued: number; order: number };
            drivenBy?: number;
            dueAt?: number;
            failedAttempts?: number;
            failure?:
              | { data: any; name: "ConvexError" }
              | { ms: number; name: "TimeoutError" };
            group?: number;
            heldBack?: {
              error: string;
              generationNumber: number;
              shown: number;
            };
            progress?: any;
            retry?: {
              base: number;
              initialBackoffMs: number;
              maxAttempts: number;
              maxBackoffMs?: number;
            };
            startsRun?: boolean;
            step:
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  functionType: "query" | "mutation" | "action";
                  handle: string;
                  inProgress: boolean;
                  kind?: "function";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  handle: string;
                  inProgress: boolean;
                  kind: "workflow";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workflowId?: string;
                }
              | {
                  args: { eventId?: string };
                  argsSize: number;
                  completedAt?: number;
                  eventId?: string;
                  inProgress: boolean;
                  kind: "event";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "sleep";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "patch";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                };
            stepNumber: number;
            timeoutMs?: number;
            timer?: { endsAt: number; scheduledId: string };
            unstarted?: boolean;
            wakes?: "always" | "never" | "all" | "allSettled" | "any";
            workflowId: string;
          }>;
          logLevel: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
          ok: boolean;
          workflow: {
            _creationTime: number;
            _id: string;
            args: any;
            cleanedUp?: boolean;
            driver?: {
              checkId: string;
              revision?: number;
              scheduledId?: string;
              startedAt?: number;
              workId?: string;
            };
            drivers?: number;
            dueTask?: string;
            endedAt?: number;
            engineVersion?: number;
            execution?: "driver" | "pool";
            failedAt?: { line?: string; stepNumber?: number };
            generationNumber: number;
            key?: string;
            logLevel?: any;
            maxParallelism?: number;
            name?: string;
            onComplete?: { context?: any; fnHandle: string };
            parent?: {
              generationNumber: number;
              stepNumber: number;
              workflowId: string;
            };
            pendingTurn?:
              | { workId: string }
              | {
                  checkId: string;
                  dueAt?: number;
                  isLost?: boolean;
                  scheduledId: string;
                };
            poolLogLevel?:
              "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            progress?: any;
            restarting?: { doneFrom?: number; from: number };
            retention?: {
              canceled?: number;
              completed?: number;
              failed?: number;
            };
            revision?: number;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt?: any;
            state?: any;
            timedOut?: boolean;
            timeoutMs?: number;
            trials?: { shown: number; steps: Array<number> };
            workflowHandle: string;
          };
        },
        Name
      >;
      startSteps: FunctionReference<
        "mutation",
        "internal",
        {
          generationNumber: number;
          steps: Array<{
            argsOmitted?: boolean;
            delivery?: { issued: number; order: number };
            failure?:
              | { data: any; name: "ConvexError" }
              | { ms: number; name: "TimeoutError" };
            group?: number;
            retry?:
              | boolean
              | {
                  base: number;
                  initialBackoffMs: number;
                  maxAttempts: number;
                  maxBackoffMs?: number;
                };
            schedulerOptions?: { runAt?: number } | { runAfter?: number };
            startsRun?: boolean;
            step:
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  functionType: "query" | "mutation" | "action";
                  handle: string;
                  inProgress: boolean;
                  kind?: "function";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  handle: string;
                  inProgress: boolean;
                  kind: "workflow";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workflowId?: string;
                }
              | {
                  args: { eventId?: string };
                  argsSize: number;
                  completedAt?: number;
                  eventId?: string;
                  inProgress: boolean;
                  kind: "event";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "sleep";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "patch";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                };
            stepId?: string;
            stepNumber?: number;
            timeoutMs?: number;
            wakes?: "always" | "never" | "all" | "allSettled" | "any";
            workflowName?: string;
          }>;
          workflowId: string;
          workpoolOptions?: {
            defaultRetryBehavior?: {
              base: number;
              initialBackoffMs: number;
              maxAttempts: number;
              maxBackoffMs?: number;
            };
            execution?: "driver" | "pool";
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
            retryActionsByDefault?: boolean;
          };
        },
        null | Array<{
          _creationTime: number;
          _id: string;
          argsOmitted?: boolean;
          attempts?: Array<{
            endedAt: number;
            error: string;
            startedAt: number;
          }>;
          delivery?: { issued: number; order: number };
          drivenBy?: number;
          dueAt?: number;
          failedAttempts?: number;
          failure?:
            | { data: any; name: "ConvexError" }
            | { ms: number; name: "TimeoutError" };
          group?: number;
          heldBack?: { error: string; generationNumber: number; shown: number };
          progress?: any;
          retry?: {
            base: number;
            initialBackoffMs: number;
            maxAttempts: number;
            maxBackoffMs?: number;
          };
          startsRun?: boolean;
          step:
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                functionType: "query" | "mutation" | "action";
                handle: string;
                inProgress: boolean;
                kind?: "function";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                workId?: string;
              }
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                handle: string;
                inProgress: boolean;
                kind: "workflow";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                workflowId?: string;
              }
            | {
                args: { eventId?: string };
                argsSize: number;
                completedAt?: number;
                eventId?: string;
                inProgress: boolean;
                kind: "event";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
              }
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                inProgress: boolean;
                kind: "sleep";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                workId?: string;
              }
            | {
                args: any;
                argsSize: number;
                completedAt?: number;
                inProgress: boolean;
                kind: "patch";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
              };
          stepNumber: number;
          timeoutMs?: number;
          timer?: { endsAt: number; scheduledId: string };
          unstarted?: boolean;
          wakes?: "always" | "never" | "all" | "allSettled" | "any";
          workflowId: string;
        }>,
        Name
      >;
    };
    utils: {
      recoverBatch: FunctionReference<
        "mutation",
        "internal",
        {
          after?:
            | {
                afterRun: number;
                part?: {
                  afterStep: number;
                  isLost: boolean;
                  workflowId: string;
                };
              }
            | {
                afterEnded: string;
                part?: {
                  afterStep: number;
                  isLost: boolean;
                  workflowId: string;
                };
              }
            | { afterTask: number };
        },
        {
          after?:
            | {
                afterRun: number;
                part?: {
                  afterStep: number;
                  isLost: boolean;
                  workflowId: string;
                };
              }
            | {
                afterEnded: string;
                part?: {
                  afterStep: number;
                  isLost: boolean;
                  workflowId: string;
                };
              }
            | { afterTask: number };
          recovered: number;
        },
        Name
      >;
    };
    workflow: {
      cancel: FunctionReference<
        "mutation",
        "internal",
        { ifFinished?: "ignore"; workflowId: string },
        null | false,
        Name
      >;
      cancelMany: FunctionReference<
        "mutation",
        "internal",
        {
          cursor?: string;
          name?: string;
          since?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          until?: number;
        },
        { cursor: string | null; done: number },
        Name
      >;
      changeRuns: FunctionReference<
        "mutation",
        "internal",
        {
          from?: number | string;
          fromFailure?: boolean;
          operation: "cancel" | "restart" | "cleanup";
          workflowIds: Array<string>;
        },
        {
          done: number;
          failures: Array<{ error: string; workflowId: string }>;
          left: Array<string>;
        },
        Name
      >;
      claimKey: FunctionReference<
        "mutation",
        "internal",
        { key: string; name: string; replaces: boolean; starter?: string },
        string | null,
        Name
      >;
      cleanup: FunctionReference<
        "mutation",
        "internal",
        { force?: boolean; workflowId: string },
        boolean,
        Name
      >;
      cleanupMany: FunctionReference<
        "mutation",
        "internal",
        {
          cursor?: string;
          name?: string;
          since?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          until?: number;
        },
        { cursor: string | null; done: number },
        Name
      >;
      complete: FunctionReference<
        "mutation",
        "internal",
        {
          generationNumber: number;
          runResult:
            | { kind: "success"; returnValue: any }
            | { error: string; errorData?: any; kind: "failed" }
            | { kind: "canceled" };
          workflowId: string;
        },
        null,
        Name
      >;
      counts: FunctionReference<
        "query",
        "internal",
        {
          counted?: {
            canceled: { count: number; more?: number };
            completed: { count: number; more?: number };
            failed: { count: number; more?: number };
            inProgress: { count: number; more?: number };
          };
          name?: string;
        },
        {
          canceled: { count: number; more?: number };
          completed: { count: number; more?: number };
          failed: { count: number; more?: number };
          inProgress: { count: number; more?: number };
        },
        Name
      >;
      create: FunctionReference<
        "mutation",
        "internal",
        {
          createOnly?: boolean;
          execution?: "driver" | "pool";
          key?: string;
          logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
          maxParallelism?: number;
          onComplete?: { context?: any; fnHandle: string };
          retention?: {
            canceled?: number;
            completed?: number;
            failed?: number;
          };
          runAt?: number;
          startAsync?: boolean;
          timeoutMs?: number;
          workflowArgs: any;
          workflowHandle: string;
          workflowName: string;
        },
        string,
        Name
      >;
      findByKey: FunctionReference<
        "query",
        "internal",
        { key: string; name: string },
        string | null,
        Name
      >;
      getDetails: FunctionReference<
        "query",
        "internal",
        {
          events?: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          workflowId: string;
        },
        null | {
          args: any;
          blockedOn?: Array<{
            kind: "function" | "workflow" | "event" | "sleep";
            name: string;
            stepNumber: number;
          }>;
          children: Array<{
            name?: string;
            status?: "inProgress" | "completed" | "failed" | "canceled";
            stepNumber: number;
            workflowId: string;
          }>;
          cleanupAt?: number;
          context?: any;
          deadlineAt?: number;
          driver?: {
            dueAt?: number;
            number: number;
            state:
              "pending" | "running" | "done" | "canceled" | "dead" | "unknown";
          };
          endedAt?: number;
          engineVersion?: number;
          error?: string;
          events?: {
            continueCursor: string;
            isDone: boolean;
            page: Array<{
              cut?: { bytes: number; preview: string };
              error?: string;
              eventId: string;
              name: string;
              sentAt?: number;
              state: "created" | "waiting" | "sent" | "consumed";
              stepNumber?: number;
              value?: any;
              waitingSince?: number;
            }>;
            pageStatus?: "SplitRecommended" | "SplitRequired" | null;
            splitCursor?: string | null;
          };
          execution?: "driver" | "pool";
          failedAt?: { line?: string; stepNumber?: number };
          generation: number;
          key?: string;
          moreChildren: boolean;
          name?: string;
          parent?: {
            name?: string;
            status?: "inProgress" | "completed" | "failed" | "canceled";
            stepNumber: number;
            workflowId: string;
          };
          progress?: any;
          retention?: {
            canceled?: number;
            completed?: number;
            failed?: number;
          };
          runResult?:
            | { kind: "success"; returnValue: any }
            | { error: string; errorData?: any; kind: "failed" }
            | { kind: "canceled" };
          startedAt?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          steps: { count: number; inFlight: number | string };
          timeout?: number;
          turn?: {
            dueAt?: number;
            state:
              "pending" | "running" | "done" | "canceled" | "dead" | "unknown";
          };
          workflowId: string;
        },
        Name
      >;
      getStatus: FunctionReference<
        "query",
        "internal",
        { workflowId: string },
        {
          inProgress: Array<{
            _creationTime: number;
            _id: string;
            argsOmitted?: boolean;
            attempts?: Array<{
              endedAt: number;
              error: string;
              startedAt: number;
            }>;
            delivery?: { issued: number; order: number };
            drivenBy?: number;
            dueAt?: number;
            failedAttempts?: number;
            failure?:
              | { data: any; name: "ConvexError" }
              | { ms: number; name: "TimeoutError" };
            group?: number;
            heldBack?: {
              error: string;
              generationNumber: number;
              shown: number;
            };
            progress?: any;
            retry?: {
              base: number;
              initialBackoffMs: number;
              maxAttempts: number;
              maxBackoffMs?: number;
            };
            startsRun?: boolean;
            step:
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  functionType: "query" | "mutation" | "action";
                  handle: string;
                  inProgress: boolean;
                  kind?: "function";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  handle: string;
                  inProgress: boolean;
                  kind: "workflow";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workflowId?: string;
                }
              | {
                  args: { eventId?: string };
                  argsSize: number;
                  completedAt?: number;
                  eventId?: string;
                  inProgress: boolean;
                  kind: "event";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "sleep";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                  workId?: string;
                }
              | {
                  args: any;
                  argsSize: number;
                  completedAt?: number;
                  inProgress: boolean;
                  kind: "patch";
                  name: string;
                  runResult?:
                    | { kind: "success"; returnValue: any }
                    | { error: string; errorData?: any; kind: "failed" }
                    | { kind: "canceled" };
                  startedAt: number;
                };
            stepNumber: number;
            timeoutMs?: number;
            timer?: { endsAt: number; scheduledId: string };
            unstarted?: boolean;
            wakes?: "always" | "never" | "all" | "allSettled" | "any";
            workflowId: string;
          }>;
          logLevel: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
          workflow: {
            _creationTime: number;
            _id: string;
            args: any;
            cleanedUp?: boolean;
            driver?: {
              checkId: string;
              revision?: number;
              scheduledId?: string;
              startedAt?: number;
              workId?: string;
            };
            drivers?: number;
            dueTask?: string;
            endedAt?: number;
            engineVersion?: number;
            execution?: "driver" | "pool";
            failedAt?: { line?: string; stepNumber?: number };
            generationNumber: number;
            key?: string;
            logLevel?: any;
            maxParallelism?: number;
            name?: string;
            onComplete?: { context?: any; fnHandle: string };
            parent?: {
              generationNumber: number;
              stepNumber: number;
              workflowId: string;
            };
            pendingTurn?:
              | { workId: string }
              | {
                  checkId: string;
                  dueAt?: number;
                  isLost?: boolean;
                  scheduledId: string;
                };
            poolLogLevel?:
              "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            progress?: any;
            restarting?: { doneFrom?: number; from: number };
            retention?: {
              canceled?: number;
              completed?: number;
              failed?: number;
            };
            revision?: number;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt?: any;
            state?: any;
            timedOut?: boolean;
            timeoutMs?: number;
            trials?: { shown: number; steps: Array<number> };
            workflowHandle: string;
          };
        },
        Name
      >;
      getStep: FunctionReference<
        "query",
        "internal",
        { stepNumber: number; workflowId: string },
        | null
        | {
            args: any;
            attempt?: number;
            attempts?: Array<{
              endedAt?: number;
              error?: string;
              startedAt: number;
            }>;
            completedAt?: number;
            dueAt?: number;
            functionType?: "query" | "mutation" | "action";
            kind: "function";
            maxAttempts?: number;
            name: string;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt: number;
            state?:
              | "scheduled"
              | "queued"
              | "running"
              | "backingOff"
              | "waiting"
              | "done";
            stepId: string;
            stepNumber: number;
            workId?: string;
            workflowId: string;
          }
        | {
            args: any;
            attempts?: Array<{
              endedAt?: number;
              error?: string;
              startedAt: number;
            }>;
            child?: {
              status: "inProgress" | "completed" | "failed" | "canceled";
              workflowId: string;
            };
            completedAt?: number;
            dueAt?: number;
            kind: "workflow";
            name: string;
            nestedWorkflowId?: string;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt: number;
            state?:
              | "scheduled"
              | "queued"
              | "running"
              | "backingOff"
              | "waiting"
              | "done";
            stepId: string;
            stepNumber: number;
            workflowId: string;
          }
        | {
            args: any;
            attempts?: Array<{
              endedAt?: number;
              error?: string;
              startedAt: number;
            }>;
            completedAt?: number;
            dueAt?: number;
            eventId?: string;
            kind: "event";
            name: string;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt: number;
            state?:
              | "scheduled"
              | "queued"
              | "running"
              | "backingOff"
              | "waiting"
              | "done";
            stepId: string;
            stepNumber: number;
            workflowId: string;
          }
        | {
            args: any;
            attempts?: Array<{
              endedAt?: number;
              error?: string;
              startedAt: number;
            }>;
            completedAt?: number;
            dueAt?: number;
            kind: "sleep";
            name: string;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt: number;
            state?:
              | "scheduled"
              | "queued"
              | "running"
              | "backingOff"
              | "waiting"
              | "done";
            stepId: string;
            stepNumber: number;
            workId?: string;
            workflowId: string;
          }
        | {
            args: any;
            attempts?: Array<{
              endedAt?: number;
              error?: string;
              startedAt: number;
            }>;
            completedAt?: number;
            dueAt?: number;
            kind: "patch";
            name: string;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt: number;
            state?:
              | "scheduled"
              | "queued"
              | "running"
              | "backingOff"
              | "waiting"
              | "done";
            stepId: string;
            stepNumber: number;
            workflowId: string;
          },
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          name?: string;
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          since?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          until?: number;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            args: any;
            blockedOn?: Array<{
              kind: "function" | "workflow" | "event" | "sleep";
              name: string;
              stepNumber: number;
            }>;
            context?: any;
            endedAt?: number;
            error?: string;
            name?: string;
            parent?: { stepNumber: number; workflowId: string };
            progress?: any;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt?: number;
            status?: "inProgress" | "completed" | "failed" | "canceled";
            workflowId: string;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      listByName: FunctionReference<
        "query",
        "internal",
        {
          name: string;
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          since?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          until?: number;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            args: any;
            blockedOn?: Array<{
              kind: "function" | "workflow" | "event" | "sleep";
              name: string;
              stepNumber: number;
            }>;
            context?: any;
            endedAt?: number;
            error?: string;
            name?: string;
            parent?: { stepNumber: number; workflowId: string };
            progress?: any;
            runResult?:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            startedAt?: number;
            status?: "inProgress" | "completed" | "failed" | "canceled";
            workflowId: string;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      listNames: FunctionReference<
        "query",
        "internal",
        {},
        Array<string>,
        Name
      >;
      listOnCompleteFailures: FunctionReference<
        "query",
        "internal",
        {
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            canRetry: boolean;
            context?: any;
            error: string;
            failedAt: number;
            id: string;
            result:
              | { kind: "success"; returnValue: any }
              | { error: string; errorData?: any; kind: "failed" }
              | { kind: "canceled" };
            workflowId?: string;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      listSteps: FunctionReference<
        "query",
        "internal",
        {
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          workflowId: string;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<
            | {
                args: any;
                attempt?: number;
                attempts?: Array<{
                  endedAt?: number;
                  error?: string;
                  startedAt: number;
                }>;
                completedAt?: number;
                dueAt?: number;
                functionType?: "query" | "mutation" | "action";
                kind: "function";
                maxAttempts?: number;
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                state?:
                  | "scheduled"
                  | "queued"
                  | "running"
                  | "backingOff"
                  | "waiting"
                  | "done";
                stepId: string;
                stepNumber: number;
                workId?: string;
                workflowId: string;
              }
            | {
                args: any;
                attempts?: Array<{
                  endedAt?: number;
                  error?: string;
                  startedAt: number;
                }>;
                child?: {
                  status: "inProgress" | "completed" | "failed" | "canceled";
                  workflowId: string;
                };
                completedAt?: number;
                dueAt?: number;
                kind: "workflow";
                name: string;
                nestedWorkflowId?: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                state?:
                  | "scheduled"
                  | "queued"
                  | "running"
                  | "backingOff"
                  | "waiting"
                  | "done";
                stepId: string;
                stepNumber: number;
                workflowId: string;
              }
            | {
                args: any;
                attempts?: Array<{
                  endedAt?: number;
                  error?: string;
                  startedAt: number;
                }>;
                completedAt?: number;
                dueAt?: number;
                eventId?: string;
                kind: "event";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                state?:
                  | "scheduled"
                  | "queued"
                  | "running"
                  | "backingOff"
                  | "waiting"
                  | "done";
                stepId: string;
                stepNumber: number;
                workflowId: string;
              }
            | {
                args: any;
                attempts?: Array<{
                  endedAt?: number;
                  error?: string;
                  startedAt: number;
                }>;
                completedAt?: number;
                dueAt?: number;
                kind: "sleep";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                state?:
                  | "scheduled"
                  | "queued"
                  | "running"
                  | "backingOff"
                  | "waiting"
                  | "done";
                stepId: string;
                stepNumber: number;
                workId?: string;
                workflowId: string;
              }
            | {
                args: any;
                attempts?: Array<{
                  endedAt?: number;
                  error?: string;
                  startedAt: number;
                }>;
                completedAt?: number;
                dueAt?: number;
                kind: "patch";
                name: string;
                runResult?:
                  | { kind: "success"; returnValue: any }
                  | { error: string; errorData?: any; kind: "failed" }
                  | { kind: "canceled" };
                startedAt: number;
                state?:
                  | "scheduled"
                  | "queued"
                  | "running"
                  | "backingOff"
                  | "waiting"
                  | "done";
                stepId: string;
                stepNumber: number;
                workflowId: string;
              }
          >;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      listStepSummaries: FunctionReference<
        "query",
        "internal",
        {
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          workflowId: string;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            attempts: Array<{
              endedAt?: number;
              error?: string;
              startedAt: number;
            }>;
            child?: {
              status: "inProgress" | "completed" | "failed" | "canceled";
              workflowId: string;
            };
            completedAt?: number;
            dueAt?: number;
            error?: string;
            eventId?: string;
            functionType?: "query" | "mutation" | "action";
            kind: "function" | "workflow" | "event" | "sleep" | "patch";
            maxAttempts?: number;
            name: string;
            outcome?: "success" | "failed" | "canceled";
            startedAt: number;
            state:
              | "scheduled"
              | "queued"
              | "running"
              | "backingOff"
              | "waiting"
              | "done";
            stepId: string;
            stepNumber: number;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      listSummaries: FunctionReference<
        "query",
        "internal",
        {
          idPrefix?: string;
          name?: string;
          order?: "asc" | "desc";
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          parent?: string;
          since?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          until?: number;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            blockedOn?: Array<{
              kind: "function" | "workflow" | "event" | "sleep";
              name: string;
              stepNumber: number;
            }>;
            endedAt?: number;
            error?: string;
            name?: string;
            parent?: { stepNumber: number; workflowId: string };
            progress?: any;
            startedAt?: number;
            status?: "inProgress" | "completed" | "failed" | "canceled";
            steps: { count: number; inFlight: number | string };
            workflowId: string;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      restart: FunctionReference<
        "mutation",
        "internal",
        {
          from?: number | string;
          fromFailure?: boolean;
          startAsync?: boolean;
          workflowId: string;
        },
        null,
        Name
      >;
      restartMany: FunctionReference<
        "mutation",
        "internal",
        {
          cursor?: string;
          from?: number | string;
          fromFailure?: boolean;
          name?: string;
          since?: number;
          status?: "inProgress" | "completed" | "failed" | "canceled";
          until?: number;
        },
        { cursor: string | null; done: number },
        Name
      >;
      retryOnComplete: FunctionReference<
        "mutation",
        "internal",
        { id: string },
        null,
        Name
      >;
    };
  };
