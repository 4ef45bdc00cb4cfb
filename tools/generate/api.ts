/** The API as its proto files and their comments describe it. */
import type { AnyDesc, DescFile, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { getComments, getPackageComments } from "@bufbuild/protoplugin";
import { STATUS_OF_CODE } from "../../packages/twirp/src/codes.ts";
import { type Example, examples } from "./examples.ts";

/** Everything that the generated files say comes from here. */
export interface Api {
  readonly description: string;
  readonly files: readonly DescFile[];
  readonly operations: readonly Operation[];
}

/** One RPC. */
export interface Operation {
  readonly method: DescMethod;
  readonly path: string;
  readonly description: string;
  /** By HTTP status, in ascending order. */
  readonly refusals: ReadonlyMap<number, Refusal>;
  /** Where the idempotency key is that keeps the outcome: in the request, or in its members. */
  readonly key: "request" | "members" | undefined;
  readonly example: Example;
}

export interface Refusal {
  /** Twirp codes. */
  readonly codes: readonly string[];
  /** Whether the method itself decides one of them, so that a key may keep it. */
  readonly isDecision: boolean;
}

/** What the Twirp adapter answers to a call that reaches no method, or takes too long in it. */
const ADAPTER_CODES = ["malformed", "bad_route", "deadline_exceeded"];

/** @throws Error when there is no service, or an RPC has no example. */
export function readApi(files: readonly DescFile[]): Api {
  const [service] = files.flatMap(({ services }) => services);
  if (service === undefined) throw new Error("there is no service");
  return {
    description: `${paragraphs(getPackageComments(service.file).leading)}\n\n${commentOn(service)}`,
    files,
    operations: service.methods.map((method) => operationOf(method, service)),
  };
}

/** The comment above a declaration. */
export function commentOn(declaration: Exclude<AnyDesc, DescFile>): string {
  return paragraphs(getComments(declaration).leading);
}

/** Takes out the line breaks within each paragraph. */
function paragraphs(comment = ""): string {
  return comment
    .replace(/^ /gm, "")
    .replace(/ +$/gm, "")
    .trim()
    .replace(/([^\n])\n(?![\n ])/g, "$1 ");
}

function operationOf(method: DescMethod, service: DescService): Operation {
  const example = examples.find((candidate) => candidate.method === method.name);
  if (example === undefined) throw new Error(`${method.name} has no example in tools/generate/examples.ts`);
  const description = commentOn(method);
  const refusals = new Map<number, Refusal>();
  for (const [code, status] of Object.entries(STATUS_OF_CODE).sort(([, a], [, b]) => a - b)) {
    const isDecision = mentions(description, code);
    if (!isDecision && !mentions(commentOn(service), code) && !ADAPTER_CODES.includes(code)) continue;
    const others = refusals.get(status);
    refusals.set(status, {
      codes: [...(others?.codes ?? []), code],
      isDecision: isDecision || others?.isDecision === true,
    });
  }
  return {
    method,
    path: `/twirp/${service.typeName}/${method.name}`,
    description,
    refusals,
    key: keyIn(method.input),
    example,
  };
}

function mentions(text: string, code: string): boolean {
  return new RegExp(`\\b${code}\\b`).test(text);
}

function keyIn({ fields }: DescMessage): Operation["key"] {
  const isKey = ({ name }: { readonly name: string }) => name === "idempotency_key";
  if (fields.some(isKey)) return "request";
  return fields.some(({ message }) => message?.fields.some(isKey)) ? "members" : undefined;
}
