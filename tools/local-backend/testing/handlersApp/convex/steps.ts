export * from "../../flows/steps.js";
