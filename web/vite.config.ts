import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // As the package's own build: the client reads and writes JSON and a few wire types, not all of protobuf's runtime.
  resolve: {
    alias: { "@bufbuild/protobuf/wire": fileURLToPath(new URL("../src/client/wire.ts", import.meta.url)) },
  },
  build: { outDir: "../dist/web", emptyOutDir: true },
  // Beside a running `npm start`, whose console tells where the API is.
  server: {
    port: 5174,
    proxy: { "/settings.json": "http://127.0.0.1:5173", "/diagnosis.json": "http://127.0.0.1:5173" },
  },
});
