import { currentLayer } from "./layers.js";
import { replaceProperties } from "./replaceProperties.js";

type AsyncSyscall = (
  this: unknown,
  name: string,
  args: string,
) => Promise<string>;

/** The functions by which Convex's library calls the host, for example in `createFunctionHandle`. */
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

  /** Resolves when every call has its reply. */
  async answered() {
    for (const reply of this.pending) await reply.catch(() => undefined);
  }
}

/** Makes host calls known to the layer whose handler makes them. Call the returned function to undo that. */
export function trackHostCalls(): () => void {
  const { Convex: convex } = globalThis as { Convex?: ConvexGlobal };
  if (!convex || !("asyncSyscall" in convex)) return () => {};
  const own = Object.getOwnPropertyDescriptor(convex, "asyncSyscall");
  const original = own?.get ? undefined : convex.asyncSyscall;
  const asyncSyscall: AsyncSyscall = (name, args) => {
    // In convex-test, each test has another function here.
    const call = original ?? (own!.get!.call(convex) as AsyncSyscall);
    const reply = call.call(convex, name, args);
    currentLayer()?.hostCalls?.track(reply);
    return reply;
  };
  return replaceProperties(convex, [["asyncSyscall", asyncSyscall]]);
}
