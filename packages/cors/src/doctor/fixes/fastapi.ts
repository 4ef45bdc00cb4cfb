import type { Framework } from "./framework.ts";

/** https://fastapi.tiangolo.com/tutorial/cors/ */
export const fastapi: Framework = {
  name: "FastAPI",
  names: ["fastapi", "starlette"],
  tried: "FastAPI 0.92.0, Starlette 0.26.1",
  signs: [["server", /^uvicorn\b/i]],
  comment: "#",
  policy: `from fastapi.middleware.cors import CORSMiddleware
app.add_middleware(CORSMiddleware, allow_origins=["{origin}"], allow_methods=[{quoted_methods}]{if headers}, allow_headers=[{quoted_headers}]{end}{if credentials}, allow_credentials=True{end})
# after all other middleware: the last one added is the outermost; keep the origins, methods and headers that you have`,
  fixes: {
    error: `from fastapi.middleware.cors import CORSMiddleware
app = CORSMiddleware(app, allow_origins=["{origin}"], allow_methods=[{quoted_methods}]{if headers}, allow_headers=[{quoted_headers}]{end}{if credentials}, allow_credentials=True{end})
# as the last line: replies to exceptions come from outside all middleware; then find the cause of the {status}`,
  },
};
