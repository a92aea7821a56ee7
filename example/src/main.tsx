/// <reference types="vite/client" />
// `npm run dev:local` serves this page. `/` is an ordinary page of an app, `/console` shows its runs.
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.js";
import { Console } from "./Console.js";

const convex = new ConvexReactClient(import.meta.env.VITE_CONVEX_URL as string);

const isConsole = /^\/console\/?$/.test(location.pathname);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ConvexProvider client={convex}>
      {isConsole ? <Console /> : <App />}
    </ConvexProvider>
  </StrictMode>,
);
