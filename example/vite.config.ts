import { defineConfig } from "vite";

export default defineConfig({
  // Loaded before the first page, so that it isn't loaded twice.
  optimizeDeps: {
    include: ["react", "react-dom/client", "react/jsx-runtime", "convex/react"],
  },
  resolve: { dedupe: ["react", "react-dom", "convex"] },
});
