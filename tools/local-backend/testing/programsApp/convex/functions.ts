export {
  act,
  count,
  fail,
  flaky,
  read,
  write,
} from "../../../../../src/testing/programs/functions.js";
