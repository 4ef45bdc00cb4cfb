import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "../dist/web", emptyOutDir: true },
  // Beside a running `npm start`, whose console tells where the API is.
  server: { port: 5174, proxy: { "/settings.json": "http://127.0.0.1:5173" } },
});
