export { default } from "../../flows/schema.js";
