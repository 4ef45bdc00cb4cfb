import { apache } from "./apache.ts";
import { aspNetCore } from "./asp-net-core.ts";
import { awsApiGateway } from "./aws-api-gateway.ts";
import { caddy } from "./caddy.ts";
import { django } from "./django.ts";
import { expressCors } from "./express-cors.ts";
import { fastapi } from "./fastapi.ts";
import { fastifyCors } from "./fastify-cors.ts";
import { financeService } from "./finance-service.ts";
import { commonFixes, type FixKind, type Framework, type GeneralFix } from "./framework.ts";
import { haproxy } from "./haproxy.ts";
import { hono } from "./hono.ts";
import { nestjs } from "./nestjs.ts";
import { nginx } from "./nginx.ts";
import { rsCors } from "./rs-cors.ts";
import { spring } from "./spring.ts";

export type { Cause, FixKind, GeneralFix } from "./framework.ts";

/** One file each. The names are those in JSON, and never change. */
export const frameworks = {
  financeService,
  expressCors,
  rsCors,
  nginx,
  fastifyCors,
  hono,
  nestjs,
  caddy,
  apache,
  haproxy,
  spring,
  aspNetCore,
  django,
  fastapi,
  awsApiGateway,
} as const satisfies Readonly<Record<string, Framework>>;

export type FrameworkId = keyof typeof frameworks;

/** In the order of the reports. */
// Object.keys forgets the names.
export const frameworkIds = Object.keys(frameworks) as readonly FrameworkId[];

/** The words of one framework. */
export function textOf(fix: FixKind | GeneralFix, id: FrameworkId): string {
  if (typeof fix !== "string") return (id === "financeService" ? fix.financeService : undefined) ?? fix.other;
  const { fixes, policy, comment }: Framework = frameworks[id];
  const text = fixes[fix] ?? commonFixes[fix] ?? policy;
  return text.replace("{policy}", () => policy).replaceAll("{comment}", comment);
}

/** The frameworks that send one of these headers. */
export function recognise(headers: readonly (readonly [name: string, value: string])[]): FrameworkId[] {
  return frameworkIds.filter((id) => {
    const { signs }: Framework = frameworks[id];
    return signs.some(([name, pattern]) =>
      headers.some(([header, value]) => header.toLowerCase() === name && pattern.test(value)),
    );
  });
}

/** For people: the name, and the versions with which a test applied the fixes. */
export function titleOf(id: FrameworkId): string {
  const { name, tried }: Framework = frameworks[id];
  return id === "financeService" ? name : `${name} (${tried === null ? "not run" : `tried with ${tried}`})`;
}

/** The names in the help. */
export const frameworkNames: readonly string[] = frameworkIds.map((id) => frameworks[id].names[0]);

/** The framework of this name; case and punctuation do not matter. Undefined if there is none. */
export function findFramework(name: string): FrameworkId | undefined {
  const wanted = simplify(name);
  return frameworkIds.find((id) => {
    const framework: Framework = frameworks[id];
    return [id, framework.name, ...framework.names].some((known) => simplify(known) === wanted);
  });
}

function simplify(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}
