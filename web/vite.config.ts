import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // As the package's own build: the client reads and writes JSON and a few wire types, not all of protobuf's runtime.
  resolve: {
    alias: { "@bufbuild/protobuf/wire": fileURLToPath(new URL("../packages/client/src/wire.ts", import.meta.url)) },
  },
  build: { outDir: "../dist/web", emptyOutDir: true },
});
