/** Events and abort signals. */
import { actionGeneric as action, queryGeneric as query } from "convex/server";
import { v } from "convex/values";

export const events = query({
  args: {},
  handler: async () => {
    const seen: string[] = [];
    const target = new EventTarget();
    target.addEventListener("a", ({ type }) => seen.push(type), { once: true });
    const listener = { handleEvent: (event: Event) => event.preventDefault() };
    target.addEventListener("a", listener);
    const first = target.dispatchEvent(new Event("a", { cancelable: true }));
    target.removeEventListener("a", listener);
    const second = target.dispatchEvent(new Event("a", { cancelable: true }));
    return [seen, first, second];
  },
});

export const aborts = query({
  args: {},
  handler: async () => {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal]);
    const reason = new Promise((resolve) => {
      signal.onabort = () => resolve((signal.reason as Error).name);
    });
    signal.throwIfAborted();
    controller.abort();
    controller.abort("later");
    const own = AbortSignal.abort("own");
    return [await reason, signal.aborted, own.reason as string];
  },
});

/** Fetches from a server that responds late or never. */
export const fetchAborted = action({
  args: { url: v.string() },
  handler: async (_ctx, { url }) => {
    const fetched = async (signal: AbortSignal) => {
      try {
        await fetch(url, { signal });
        return "fetched";
      } catch (error) {
        return (error as Error).name;
      }
    };
    const controller = new AbortController();
    const pending = fetched(controller.signal);
    controller.abort();
    return [
      await pending,
      await fetched(controller.signal),
      await fetched(AbortSignal.timeout(10)),
    ];
  },
});
