import { Layers, type Layer } from "./layers.js";
import { replaceProperties } from "./replaceProperties.js";

type AsyncSyscall = (
  this: unknown,
  name: string,
  args: string,
) => Promise<string>;

/** By which Convex's library reaches the host, `createFunctionHandle` for instance. */
interface ConvexGlobal {
  asyncSyscall: AsyncSyscall;
}

/** The host calls of one handler. */
export class HostCalls {
  private readonly pending = new Set<Promise<unknown>>();

  track(reply: Promise<unknown>) {
    this.pending.add(reply);
    const answered = () => void this.pending.delete(reply);
    reply.then(answered, answered);
  }

  get areAnswered(): boolean {
    return this.pending.size === 0;
  }

  /** Resolves when each has its answer. */
  async answered() {
    for (const reply of this.pending)
      await reply.then(
        () => undefined,
        () => undefined,
      );
  }
}

interface HostCallLayer extends Layer {
  calls: HostCalls;
}

const layers = new Layers<HostCallLayer>(() => {
  const { Convex: convex } = globalThis as { Convex?: ConvexGlobal };
  if (!convex || !("asyncSyscall" in convex)) return () => {};
  const own = Object.getOwnPropertyDescriptor(convex, "asyncSyscall");
  const original = own?.get ? undefined : convex.asyncSyscall;
  const asyncSyscall: AsyncSyscall = (name, args) => {
    // convex-test answers by another function in each test.
    const call = original ?? (own!.get!.call(convex) as AsyncSyscall);
    const reply = call.call(convex, name, args);
    layers.current()?.calls.track(reply);
    return reply;
  };
  return replaceProperties(convex, [["asyncSyscall", asyncSyscall]]);
});

/** Has the host calls of a layer's handler tracked until the function returned is called. */
export const trackHostCalls = (layer: HostCallLayer) => layers.add(layer);
