/**
 * Builds a validator on its first use. Each call of a function evaluates its modules in a new context, and few calls
 * need the validators.
 */
export function lazy<T>(build: () => T): () => T {
  let built: T | undefined;
  return () => (built ??= build());
}
