// Must come first: libraries read the language when they load.
import "./language.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { FailureBoundary } from "./components/failure-boundary.tsx";
import { applyTheme, loadTheme } from "./theme.ts";
import "./style/index.css";

applyTheme(loadTheme());
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <FailureBoundary what="The console">
      <App />
    </FailureBoundary>
  </StrictMode>,
);
