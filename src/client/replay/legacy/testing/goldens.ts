import { unpack, type Golden } from "./golden.js";

const files = import.meta.glob<Golden>("./golden/*.json", {
  eager: true,
  import: "default",
});

/** All recorded runs. `npm run record:legacy` writes them. */
export const goldens: Golden[] = Object.values(files).map(unpack);
