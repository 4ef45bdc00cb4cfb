/** A plugin for `buf generate`: makes the OpenAPI document, the reference page, and the client's methods and field tables. */
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { readApi } from "./api.ts";
import { clientEveryMethod, clientFields, clientMethods, clientTypes } from "./client.ts";
import { openApiDocument } from "./openapi.ts";
import { referencePage } from "./reference.ts";

runNodeJs(
  createEcmaScriptPlugin({
    name: "finance",
    version: "v1",
    generateTs(schema) {
      const api = readApi(schema.files);
      const write = (path: string, text: string) => schema.generateFile(path).print(text.trimEnd());
      write("generated/openapi.json", JSON.stringify(openApiDocument(api), null, 2));
      write("docs/api.md", referencePage(api));
      write("generated/client/fields.ts", clientFields(api));
      write("generated/client/methods.ts", clientMethods(api));
      write("generated/client/every-method.ts", clientEveryMethod(api));
      write("generated/client/types.ts", clientTypes(api));
    },
  }),
);
