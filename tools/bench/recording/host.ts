/** The host that convex-test gives to functions instead of a backend. */
export interface Host {
  syscall(op: string, args: string): string;
  asyncSyscall(op: string, args: string): Promise<string>;
  jsSyscall(op: string, args: object): unknown;
}

type Scope = { Convex?: Host };

let observed: Host | undefined;

/**
 * Puts an observer between all functions and their host. Call it after you create a backend, because
 * convex-test creates the host with the first one and keeps it.
 */
export function observeHost(observer: (host: Host) => Host) {
  const scope = globalThis as Scope;
  if (observed !== undefined) return;
  const host = scope.Convex;
  if (!host) throw new Error("There is no backend yet");
  observed = observer(host);
  scope.Convex = observed;
}
