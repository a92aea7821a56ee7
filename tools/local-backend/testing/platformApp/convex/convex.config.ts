import { defineApp } from "convex/server";
import child from "./child/convex.config.js";

const app = defineApp();
app.use(child);

export default app;
