import * as client from "@convex-dev/workflow";
import { defineApp } from "../../../../../src/testing/programs/app.js";

export const { program, start, ended, manage, look } = defineApp(client);
