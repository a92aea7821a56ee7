import { defineConfig } from "vite";

export default defineConfig({
  // Optimized before the first page loads, so that the page doesn't reload.
  optimizeDeps: {
    include: ["react", "react-dom/client", "react/jsx-runtime", "convex/react"],
  },
  resolve: { dedupe: ["react", "react-dom", "convex"] },
});
