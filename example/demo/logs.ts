// Kept from before: a workflow's handler, whose console it is too, sees no `process`.
const { stderr } = process;

/** One structured log line of the component, as far as the demo reads it. */
export interface LogEvent {
  at: number;
  event: "started" | "stepCompleted" | "eventConsumed" | "completed" | "retry";
  workflowId: string;
  stepId?: string;
  durationMs?: number;
  attempt?: number;
  maxAttempts?: number;
  error?: string;
}

/**
 * Takes what the backend logs. The component's structured lines are kept, the pool's are left out,
 * and warnings and errors of anybody go to stderr.
 */
export function captureLogs(): LogEvent[] {
  const events: LogEvent[] = [];
  const complain = (...args: unknown[]) =>
    stderr.write(`${args.map(String).join(" ")}\n`);
  globalThis.console = Object.assign(Object.create(console) as Console, {
    debug: () => {},
    log: () => {},
    info: (line: unknown) => {
      const event = parse(line);
      if (event) events.push({ ...event, at: Date.now() });
    },
    warn: complain,
    error: complain,
  });
  return events;
}

function parse(line: unknown): LogEvent | undefined {
  if (typeof line !== "string" || !line.startsWith("{")) return undefined;
  const fields = JSON.parse(line) as LogEvent & { component: string };
  return fields.component === "workflow" ? fields : undefined;
}
