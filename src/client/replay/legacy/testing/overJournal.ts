import { setImmediate } from "node:timers/promises";
import type { JournalEntry, StepKind, StepRequest } from "../../journal.js";
import type { TurnEnd } from "../../turn.js";
import { LegacyReplay } from "../replay.js";

export type Ask = (
  kind: StepKind,
  request?: Partial<StepRequest>,
) => Promise<unknown>;

/** The reply to a call of the host comes after all microtasks. */
export const callHost = () => setImmediate<void>();

/**
 * Executes a handler over a journal that answers all its requests. Each must be named "step". With a `log`, there may
 * be others, and it tells which of them run inline and which are recorded.
 */
export async function overJournal(
  journal: JournalEntry[],
  handler: (ask: Ask) => Promise<unknown>,
  capacity?: number,
  log?: string[],
): Promise<TurnEnd> {
  const replay = new LegacyReplay(
    "run",
    journal,
    {
      now: 0,
      resume: async (begin) => {
        begin();
        for (let call = 0; call < 4; call++) await callHost();
      },
      hostCall: callHost,
      runInline: ({ name }) => {
        log?.push(`ran ${name}`);
        const result = { kind: "success" as const, returnValue: name };
        return Promise.resolve({ outcome: { result }, isFenced: false });
      },
      record: async ({ steps }) => {
        if (steps.length > 0 && !log) throw new Error("nothing is new");
        log?.push(...steps.map(({ request }) => `recorded ${request.name}`));
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
