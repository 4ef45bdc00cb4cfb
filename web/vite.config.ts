import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { buildPage } from "../packages/cors/build-page.ts";

/** The CORS doctor as a page of its own beside the console. */
const doctorPage: Plugin = {
  name: "doctor-page",
  async generateBundle() {
    this.emitFile({ type: "asset", fileName: "doctor.html", source: await buildPage() });
  },
  configureServer({ middlewares }) {
    middlewares.use("/doctor.html", async (_request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8").end(await buildPage());
    });
  },
};

export default defineConfig({
  plugins: [react(), doctorPage],
  resolve: { tsconfigPaths: true },
  build: { outDir: "../dist/web", emptyOutDir: true },
});
