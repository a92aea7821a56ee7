import { setImmediate } from "node:timers/promises";
import type { JournalEntry, StepKind, StepRequest } from "../../journal.js";
import type { TurnEnd } from "../../turn.js";
import { LegacyReplay } from "../replay.js";

export type Ask = (
  kind: StepKind,
  request?: Partial<StepRequest>,
) => Promise<unknown>;

/**
 * Executes a handler over a journal that answers all its requests. Each must be named "step". Inline steps that aren't
 * in the journal run, and add their names to `ran`.
 */
export async function overJournal(
  journal: JournalEntry[],
  handler: (ask: Ask) => Promise<unknown>,
  capacity?: number,
  ran: string[] = [],
): Promise<TurnEnd> {
  const replay = new LegacyReplay(
    "run",
    journal,
    {
      now: 0,
      resume: async (begin) => {
        begin();
        await setImmediate();
      },
      runInline: ({ name }) => {
        ran.push(name);
        const result = { kind: "success" as const, returnValue: name };
        return Promise.resolve({ outcome: { result }, isFenced: false });
      },
      record: async ({ steps }) => {
        if (steps.length > 0) throw new Error("nothing is new");
        return [];
      },
    },
    capacity,
  );
  const ask: Ask = (kind, request = {}) =>
    replay.request({
      kind,
      functionType: "mutation",
      name: "step",
      args: {},
      unstableArgs: false,
      inline: false,
      ...request,
    });
  return await replay.run(() => handler(ask));
}
