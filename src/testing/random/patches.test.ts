import { test } from "vitest";
import { exportHistory } from "../../client/index.js";
import { replayHistory } from "../../test.js";
import { components } from "../app/_generated/api.js";
import { workflow } from "../app/workflows.js";
import { inComponent, newBackend, script, useBackend } from "../harness.js";
import { installPrograms } from "./backend/app.js";
import { runUntilEnded, startProgram } from "./backend/execute.js";
import { checkJournal, recordedRuns } from "./backend/journals.js";
import { silenceConsole } from "./backend/quiet.js";
import { restartTimers } from "./backend/timers.js";
import { Coverage } from "./coverage.js";
import { same } from "./differences.js";
import { BackendDeploy, randomEdit, MemoryDeploy } from "./edits.js";
import { generate } from "./generate.js";
import { PROGRAM } from "./interpret.js";
import { checkPrediction, mayRejectLate } from "./memory/checks.js";
import { HAZARDS, executeRandomRun } from "./memory/randomRun.js";
import { RUN_ID } from "./memory/turn.js";
import { everyNode, type Node } from "./program.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";

useBackend();
silenceConsole();

const FILE = "src/testing/random/patches.test.ts";
const IN_MEMORY =
  "code that is edited behind patches, at any moment of a run, replays and takes the right branch";

const ANSWERS = ["taken before the deploy", "true", "false"] as const;

test(IN_MEMORY, { timeout: 3_600_000 }, async () => {
  const hazards = new Coverage("edited programs in memory", HAZARDS);
  const answers = new Coverage("answers of patches in memory", ANSWERS);
  await forEachSeed(seeds(300), FILE, IN_MEMORY, async (seed) => {
    const random = new Random(seed);
    const generated = generate(random.fork(), {
      steps: random.between(2, 12),
      children: 1,
    });
    const program = randomEdit(generated, random.fork());
    if (onlySeed !== undefined) console.info(JSON.stringify(program));
    const deploy = new MemoryDeploy(program, RUN_ID, random.below(20));
    const { run } = await executeRandomRun(
      program,
      random.fork(),
      hazards,
      deploy,
    );
    deploy.finish();
    const given = deploy.answers?.given ?? new Map<number, boolean>();
    await checkPrediction(program, run.rows, run.end, {
      runId: RUN_ID,
      inlineFirst: false,
      takesNew: (edit) => given.get(edit) ?? false,
    });
    if (given.size === 0) answers.hit("taken before the deploy");
    for (const answer of given.values()) answers.hit(answer ? "true" : "false");
  });
  if (onlySeed === undefined) answers.report();
});

const ON_BACKEND =
  "on a backend, edited code takes the right branch, driven, in the pool, and in runs that 0.4 began";

const RULES = ["driver", "pool", "0.4"] as const;
type Rules = (typeof RULES)[number];

test(ON_BACKEND, { timeout: 3_600_000 }, async () => {
  const kinds = RULES.flatMap((rules) => [
    `${rules} true` as const,
    `${rules} false` as const,
  ]);
  const coverage = new Coverage("edited programs on a backend", kinds);
  // With seed 215, a run of 0.4 asks for a patch after its turn has taken the requests that it starts.
  await forEachSeed([...seeds(75), 215], FILE, ON_BACKEND, async (seed) => {
    const random = new Random(seed);
    const rules = RULES[seed % RULES.length]!;
    const options = { steps: random.between(3, 9), children: 1 };
    const generated = generate(random.fork(), options);
    const program = randomEdit(generated, random.fork());
    // 0.4 doesn't hold back results that leave a rejection.
    if (rules === "0.4" && mayRejectLate(program)) return;
    if (onlySeed !== undefined) console.info(rules, JSON.stringify(program));
    const given = await executeOnBackend(program, rules, random);
    for (const answer of given) coverage.hit(`${rules} ${answer}`);
  });
  if (onlySeed === undefined) coverage.report();
});

/** Returns the answers of patches. */
async function executeOnBackend(program: Node, rules: Rules, random: Random) {
  restartTimers(new Random(0));
  installPrograms();
  const deploy = new BackendDeploy();
  script("handler", PROGRAM, (step, input) => deploy.execute(step, input));
  const execution = rules === "driver" ? "driver" : "pool";
  const t = newBackend({ execution });
  const id = await startProgram(t, program, { startAsync: true });
  if (rules === "0.4")
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, { engineVersion: undefined }),
    );
  const callsHost = [...everyNode(program)].some(({ do: it }) => it === "host");
  const replayed = async () => {
    // Without a backend, there is no host to call.
    if (callsHost) return;
    const history = await t.query((ctx) =>
      exportHistory(ctx, components.workflow, id),
    );
    const { reached, result } = await replayHistory(workflow, history);
    // The handler may throw the error of a step other than the last.
    if (result?.kind !== "failed")
      same("how many steps a replay reaches", reached, history.steps);
  };
  const at = random.below(6);
  let round = 0;
  await runUntilEnded(t, random.fork(), {
    meanwhile: async () => {
      if (round++ !== at) return;
      await deploy.deploy(await recordedRuns(t));
      await replayed();
      deploy.forgetGiven();
    },
  });
  deploy.finish();
  for (const recorded of await recordedRuns(t)) {
    const { run } = recorded;
    if (run.runResult?.kind === "failed" && VIOLATION.test(run.runResult.error))
      throw new Error(run.runResult.error);
    if (run.engineVersion === undefined) continue;
    const answers = deploy.answersOf(run._id);
    await checkJournal(recorded, {
      restarted: false,
      takesNew: (edit) => answers.given.get(edit) ?? false,
    });
  }
  const given = deploy.given();
  await replayed();
  deploy.finish();
  return given;
}

const VIOLATION = /Determinism violation/;
