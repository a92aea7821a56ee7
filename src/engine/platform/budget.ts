import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { sizeOf } from "../../shared/storable.js";

/** The part of a transaction that a batch or a page may use, so that it never exceeds a limit. */
export class Budget {
  /** A unit is about as much work as to change a row, unless the caller counts something else. */
  constructor(
    private units: number,
    private bytes = BYTES_PER_BATCH,
  ) {}

  spend(units: number, ...documents: unknown[]) {
    this.units -= units;
    for (const document of documents) this.bytes -= sizeOf(document);
  }

  get isSpent() {
    return this.bytes <= 0 || this.units <= 0;
  }
}
