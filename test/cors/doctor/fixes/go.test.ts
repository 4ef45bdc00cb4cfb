/** Go's rs/cors from Debian. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, vi } from "vitest";
import { isInstalled, isRequired, starter } from "./programs.ts";
import { page, testFixes } from "./scenes.ts";

// The first build compiles Go's own library.
vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);

/** Debian's packages of Go are sources in this folder. */
const goPath = "/usr/share/gocode";
const goEnvironment = {
  PATH: process.env["PATH"],
  HOME: homedir(),
  CGO_ENABLED: "0",
  GO111MODULE: "off",
  GOPATH: goPath,
  GOFLAGS: "-buildvcs=false",
};

const hasGo = existsSync(`${goPath}/src/github.com/rs/cors`) && isInstalled("go", "version");

describe.skipIf(!hasGo && !isRequired)("rs/cors (needs golang-go and golang-github-rs-cors-dev)", () => {
  const start = starter(async (directory, port, code) => {
    await writeFile(
      join(directory, "main.go"),
      `package main

import (
	"net/http"

	"github.com/rs/cors"
)

var _ = cors.New

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/api", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("{}")) })
	mux.HandleFunc("/fails", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	mux.Handle("/old", http.RedirectHandler("/api", 307))
	alsoSet := func(http.Header) {}
	mux.HandleFunc("/twice", func(w http.ResponseWriter, r *http.Request) { alsoSet(w.Header()) })
	${code}
	http.ListenAndServe("127.0.0.1:${port}", handler)
}
`,
    );
    await run("go", ["build", "-o", "server", "main.go"], { cwd: directory, env: goEnvironment });
    return [join(directory, "server")];
  });
  const origins = `AllowedOrigins: []string{"${page}"}`;
  const methods = 'AllowedMethods: []string{"PUT"}';
  const headers = 'AllowedHeaders: []string{"x-client"}';
  const wrapped = (...options: readonly string[]) =>
    `handler := cors.New(cors.Options{${options.join(", ")}}).Handler(mux)`;
  /** Sets the headers by hand before the rest of the requests is handled by `next`. */
  const byHand = (next: string) => `handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "${page}")
		w.Header().Set("Access-Control-Allow-Methods", "PUT")
		w.Header().Set("Access-Control-Allow-Headers", "x-client")
		${next}
	})`;
  testFixes("rsCors", start, [
    { name: "no CORS at all", fails: "allow_origin_missing", broken: "handler := mux" },
    { name: "no CORS for cookies", fails: "allow_origin_missing", broken: "handler := mux", credentials: true },
    {
      name: "another origin",
      fails: "allow_origin_missing",
      broken: wrapped('AllowedOrigins: []string{"https://app.example"}', methods, headers),
    },
    { name: "not the method", fails: "allow_origin_missing", broken: wrapped(origins, headers) },
    { name: "not the header", fails: "allow_origin_missing", broken: wrapped(origins, methods) },
    {
      name: "* with credentials",
      fails: "wildcard_origin_with_credentials",
      broken: wrapped('AllowedOrigins: []string{"*"}', methods, headers),
      credentials: true,
    },
    {
      name: "credentials are not allowed",
      fails: "credentials_not_allowed",
      broken: wrapped(origins, methods, headers),
      credentials: true,
    },
    {
      name: "the mux answers the preflight",
      fails: "preflight_status",
      broken: byHand("if r.Method == http.MethodOptions { w.WriteHeader(405); return }; mux.ServeHTTP(w, r)"),
    },
    { name: "the preflight is redirected", fails: "preflight_redirect", broken: "handler := mux", path: "/old" },
    {
      name: "errors lack the header",
      fails: "allow_origin_missing",
      broken: byHand(
        'if r.Method == http.MethodOptions { w.WriteHeader(204); return }; w.Header().Del("Access-Control-Allow-Origin"); mux.ServeHTTP(w, r)',
      ),
      path: "/fails",
      reads: 500,
    },
    {
      name: "the header comes twice",
      fails: "allow_origin_repeated",
      broken: wrapped(origins, methods, headers),
      removed: `alsoSet = func(header http.Header) { header.Add("Access-Control-Allow-Origin", "${page}") }`,
      path: "/twice",
    },
  ]);
});
