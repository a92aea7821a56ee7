import type { Figures } from "../measuring.js";
import type { WindowName } from "../scenarios/scenario.js";

/** The cost of a package in a scenario of one size. */
export interface Result {
  scenario: string;
  n: number;
  package: string;
  windows: { window: WindowName; figures: Figures }[];
  /** Why there are no figures, or none that count. */
  error?: string;
}
