import { isDeepStrictEqual } from "node:util";
import type { WorkflowStatus } from "@convex-dev/workflow";
import { startBackend, type Backend } from "./backend.js";
import { changeLine, commandLine, describeStatus, runLine } from "./lines.js";
import { parseOptions, USAGE } from "./options.js";
import { scenarios, type Call, type Scenario } from "./scenarios.js";
import { summary } from "./summary.js";
import { watchRun } from "./watch.js";

const POLL_MS = 20;
/** Far longer than any of the runs takes. */
const TIME_LIMIT_MS = 30_000;

const INTRODUCTION = `The workflows of example/convex, run by this package's component on an in-memory backend
(convex-test) with real timers. On a deployment the same commands do the same. Times are seconds
since the run began; sleeps and timeouts are shortened by arguments.`;

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** Runs the demo. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  const options = parseOptions(argv);
  if (typeof options === "string") {
    process.stderr.write(`${options}\n`);
    return 2;
  }
  if (options.help) {
    print(USAGE);
    return 0;
  }
  print(INTRODUCTION);
  const backend = await startBackend();
  let unexpected = 0;
  for (const scenario of scenarios(options))
    if (!(await play(backend, scenario))) unexpected++;
  print(await summary(backend));
  print(
    unexpected === 0
      ? "All runs ended as they should."
      : `${unexpected} of the runs did not end as it should.`,
  );
  return unexpected === 0 ? 0 : 1;
}

/** Runs one workflow to its end and prints what happens. Returns whether it ended as it should. */
async function play(backend: Backend, scenario: Scenario): Promise<boolean> {
  const mutate = backend.t.mutation as Call;
  const call: Call = async (mutation, ...args) => {
    print(`  $ ${commandLine(mutation, args[0])}`);
    return await mutate(mutation, ...args);
  };
  print(`\n${scenario.about}`);
  const startedAt = Date.now();
  const workflowId = await scenario.start(call);
  const news = watchRun(backend, workflowId);
  let { answer } = scenario;

  for (;;) {
    const status = await backend.t.query(scenario.status, { workflowId });
    for (const change of await news()) print(changeLine(change, startedAt));
    if (answer && hasWaited(status, answer.afterWaitingMs)) {
      await answer.send(call, workflowId);
      answer = undefined;
    }
    const elapsed = Date.now() - startedAt;
    if (status.type !== "inProgress" || elapsed > TIME_LIMIT_MS) {
      const end = backend.logs.find(
        (log) => log.event === "completed" && log.workflowId === workflowId,
      );
      print(runLine(status, end?.durationMs ?? elapsed));
      return check(scenario, status);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Whether a run has waited for an event for that long. */
function hasWaited(status: WorkflowStatus, ms: number): boolean {
  if (status.type !== "inProgress") return false;
  const wait = status.running.find(({ kind }) => kind === "event");
  return wait !== undefined && Date.now() - wait.startedAt >= ms;
}

function check({ expected }: Scenario, status: WorkflowStatus): boolean {
  const wanted: WorkflowStatus = { type: "completed", result: expected };
  if (isDeepStrictEqual(status, wanted)) return true;
  print(`  It should have: ${describeStatus(wanted)}.`);
  return false;
}
