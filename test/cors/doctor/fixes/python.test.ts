/** Django and FastAPI from Debian. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "vitest";
import type { FailureCode } from "../../../../packages/cors/src/doctor/index.ts";
import { isInstalled, isRequired, starter } from "./programs.ts";
import { page, type Scene, testFixes } from "./scenes.ts";

const python = "/usr/bin/python3";

/** What both have in common; `print` makes the setting. */
function pythonScenes(
  print: (options: { origins?: string; methods?: string; headers?: string }) => string,
  byHand: string,
  refuses: (code: FailureCode) => FailureCode,
): Scene[] {
  return [
    { name: "no CORS at all", fails: "allow_origin_missing", broken: "" },
    { name: "no CORS for cookies", fails: "allow_origin_missing", broken: "", credentials: true },
    { name: "another origin", fails: "allow_origin_missing", broken: print({ origins: '["https://app.example"]' }) },
    { name: "not the method", fails: refuses("method_not_allowed"), broken: print({ methods: '["GET"]' }) },
    { name: "not the header", fails: refuses("header_not_allowed"), broken: print({ headers: '["x-other"]' }) },
    { name: "credentials are not allowed", fails: "credentials_not_allowed", broken: print({}), credentials: true },
    { name: "the view answers the preflight", fails: "preflight_status", broken: byHand },
  ];
}

describe.skipIf(!isInstalled(python, "-c", "import corsheaders") && !isRequired)(
  "Django (needs python3-django-cors-headers)",
  () => {
    const start = starter(async (directory, port, code) => {
      await writeFile(
        join(directory, "settings.py"),
        `SECRET_KEY = "test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.contenttypes"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
APPEND_SLASH = True
${code}
`,
      );
      await writeFile(
        join(directory, "urls.py"),
        `from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path

def api(request):
    return HttpResponse("{}", status=405 if request.method == "OPTIONS" else 200)

def fails(request):
    return HttpResponse(status=500)

def old(request):
    response = HttpResponseRedirect("/api")
    response.status_code = 307
    return response

urlpatterns = [path("api", api), path("fails", fails), path("old", old)]
`,
      );
      await writeFile(
        join(directory, "layers.py"),
        `def by_hand(get_response):
    def respond(request):
        response = get_response(request)
        response["Access-Control-Allow-Origin"] = "${page}"
        response["Access-Control-Allow-Methods"] = "PUT"
        response["Access-Control-Allow-Headers"] = "x-client"
        return response
    return respond

def preflights_by_hand(get_response):
    from django.http import HttpResponse
    layer = by_hand(lambda request: HttpResponse(status=204))
    return lambda request: layer(request) if request.method == "OPTIONS" else get_response(request)

def login(get_response):
    from django.http import HttpResponse
    return lambda request: get_response(request) if request.headers.get("x-client") else HttpResponse(status=401)
`,
      );
      await writeFile(
        join(directory, "serve.py"),
        `import os, sys
from wsgiref.simple_server import make_server
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.wsgi import get_wsgi_application
make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()
`,
      );
      return [python, "serve.py", String(port)];
    });
    const settings = ({ origins = `["${page}"]`, methods = '["PUT"]', headers = '["x-client"]' }) => `
INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE]
CORS_ALLOWED_ORIGINS = ${origins}
CORS_ALLOW_METHODS = ${methods}
CORS_ALLOW_HEADERS = ${headers}`;
    testFixes("django", start, [
      ...pythonScenes(
        settings,
        'INSTALLED_APPS += ["corsheaders"]\nMIDDLEWARE = ["layers.by_hand", *MIDDLEWARE]',
        (code) => code,
      ),
      {
        name: "* with credentials",
        fails: "wildcard_origin_with_credentials",
        broken: settings({}).replace(/CORS_ALLOWED_ORIGINS.*/, "CORS_ALLOW_ALL_ORIGINS = True"),
        credentials: true,
      },
      {
        name: "a login answers the preflight",
        fails: "preflight_status",
        broken: `INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE = ["layers.by_hand", "layers.login", *MIDDLEWARE]`,
      },
      {
        name: "errors lack the header",
        fails: "allow_origin_missing",
        broken: `INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE = ["layers.preflights_by_hand", *MIDDLEWARE]`,
        path: "/fails",
        reads: 500,
      },
      { name: "the preflight is redirected", fails: "preflight_redirect", broken: "", path: "/old" },
    ]);
  },
);

describe.skipIf(!isInstalled(python, "-c", "import fastapi, uvicorn") && !isRequired)(
  "FastAPI (needs python3-fastapi and uvicorn)",
  () => {
    const start = starter(async (directory, port, code) => {
      await writeFile(
        join(directory, "main.py"),
        `from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import RedirectResponse

app = FastAPI()

@app.put("/api")
def api():
    return {}

@app.put("/fails")
def fails():
    raise RuntimeError("the API fails")

@app.api_route("/old", methods=["OPTIONS", "PUT"])
def old():
    return RedirectResponse("/api", 307)

${code}
`,
      );
      return [python, "-m", "uvicorn", "main:app", "--port", String(port), "--log-level", "critical"];
    });
    const middleware = ({ origins = `["${page}"]`, methods = '["PUT"]', headers = '["x-client"]' }) =>
      `app.add_middleware(CORSMiddleware, allow_origins=${origins}, allow_methods=${methods}, allow_headers=${headers})`;
    const byHand = `@app.middleware("http")
async def by_hand(request, call_next):
    response = await call_next(request)
    response.headers["Access-Control-Allow-Origin"] = "${page}"
    response.headers["Access-Control-Allow-Methods"] = "PUT"
    response.headers["Access-Control-Allow-Headers"] = "x-client"
    return response`;
    testFixes("fastapi", start, [
      // It answers 400 then.
      ...pythonScenes(middleware, byHand, () => "preflight_status"),
      {
        name: "* with credentials",
        fails: "wildcard_origin_with_credentials",
        broken: middleware({ origins: '["*"]' }),
        credentials: true,
      },
      { name: "the preflight is redirected", fails: "preflight_redirect", broken: "", path: "/old" },
      {
        name: "replies to exceptions lack the header",
        fails: "allow_origin_missing",
        broken: middleware({}),
        path: "/fails",
        reads: 500,
      },
      {
        name: "the header comes twice",
        fails: "allow_origin_repeated",
        broken: middleware({}),
        removed: `@app.middleware("http")
async def twice(request, call_next):
    response = await call_next(request)
    response.headers.append("Access-Control-Allow-Origin", "${page}")
    return response`,
      },
    ]);
  },
);
