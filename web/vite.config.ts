import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Of a running `npm start` with the same environment, whose console tells where the API is. */
const consoleUrl = `http://127.0.0.1:${process.env["CONSOLE_PORT"] || 5173}`;

export default defineConfig({
  plugins: [react()],
  // As the package's own build: the client reads and writes JSON and a few wire types, not all of protobuf's runtime.
  resolve: {
    alias: { "@bufbuild/protobuf/wire": fileURLToPath(new URL("../packages/client/src/wire.ts", import.meta.url)) },
  },
  build: { outDir: "../dist/web", emptyOutDir: true },
  server: {
    port: 5174,
    proxy: { "/settings.json": consoleUrl, "/diagnosis.json": consoleUrl },
  },
});
