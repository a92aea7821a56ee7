/**
 * The timestamps of the sync protocol, which order the results of clients. Like a deployment's, they are nanoseconds
 * of wall-clock time, so that time also advances for a client that reconnects after a restart.
 */
export class Clock {
  #latest = now();

  /** The latest timestamp that was given out. */
  get latest() {
    return this.#latest;
  }

  /** Returns a timestamp later than all before. */
  tick() {
    const later = this.#latest + 1n;
    const time = now();
    this.#latest = time > later ? time : later;
    return this.#latest;
  }
}

/** Encodes a timestamp for clients, as base64 of an unsigned little-endian number. */
export function encodeTimestamp(timestamp) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(timestamp);
  return bytes.toString("base64");
}

function now() {
  return BigInt(Date.now()) * 1_000_000n;
}
