export { schema as default } from "../../../../../src/testing/programs/functions.js";
