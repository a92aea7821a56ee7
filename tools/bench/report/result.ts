import type { Figures } from "../measuring.js";
import type { WindowName } from "../scenarios/scenario.js";

/** The cost of a package in a scenario of one size. */
export interface Result {
  scenario: string;
  n: number;
  package: string;
  windows: { window: WindowName; figures: Figures }[];
  /** Says why there are no valid figures. */
  error?: string;
}
