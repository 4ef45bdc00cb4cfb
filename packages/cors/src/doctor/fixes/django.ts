import type { Framework } from "./framework.ts";

/** https://github.com/adamchainz/django-cors-headers */
export const django: Framework = {
  name: "Django",
  names: ["django"],
  tried: "Django 3.2.25, django-cors-headers 3.14.0",
  signs: [
    ["server", /^WSGIServer\b/],
    ["set-cookie", /^csrftoken=/],
  ],
  comment: "#",
  policy: `{if headers}from corsheaders.defaults import default_headers
{end}{if silent}INSTALLED_APPS = [*INSTALLED_APPS, "corsheaders"]
{end}MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE]
CORS_ALLOWED_ORIGINS = ["{origin}"]{if method_refused}
CORS_ALLOW_METHODS = [{quoted_methods}]{end}{if headers}
CORS_ALLOW_HEADERS = [*default_headers, {quoted_headers}]{end}{if credentials}
CORS_ALLOW_CREDENTIALS = True{end}
# at the end of settings.py: the middleware comes first, and only once; keep the origins that you have`,
  fixes: {},
};
