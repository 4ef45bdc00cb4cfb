/** Code that makes a call of this page elsewhere. It never holds the token: curl reads it from `$TOKEN`, Node from its environment. */
import { AccountStatus, AccountType, type Method, TransferState } from "@finance-service/client";

/** A call as the client sent it. */
export interface SentCall {
  readonly method: Method<object, object>;
  readonly baseUrl: string;
  readonly prefix: string;
  readonly url: string;
  /** The request's JSON. */
  readonly body: string;
}

/** For bash and other POSIX shells. */
export function curlOf({ url, body }: SentCall): string {
  return `curl ${shellText(url)} \\
  -H 'content-type: application/json' \\
  -H "authorization: Bearer $TOKEN" \\
  -d ${shellText(body)}`;
}

/** Nothing has a meaning within single quotes, except the quote that ends them. */
function shellText(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** An ES module. */
export function axiosOf({ url, body }: SentCall): string {
  return `import axios from "axios";

const reply = await axios.post(
  ${JSON.stringify(url)},
  ${scriptText(body)},
  { headers: { Authorization: \`Bearer \${process.env.TOKEN}\` } },
);
console.log(reply.data);`;
}

/** An ES module. */
export function clientOf({ method, baseUrl, prefix, body }: SentCall): string {
  const imports = new Set(["createFinanceClient"]);
  const fields = Object.entries(JSON.parse(body)).map(([name, value]) => {
    const [, type] = method.request.fields[name] ?? [];
    const enumName = ENUMS.find(({ members }) => typeof type === "function" && type() === members)?.name;
    if (enumName === undefined) return `${name}: ${type === "int64" ? `${value}n` : scriptText(JSON.stringify(value))}`;
    imports.add(enumName);
    return `${name}: ${enumName}.${value}`;
  });
  const options = [
    `baseUrl: ${JSON.stringify(baseUrl)}`,
    ...(prefix === "/twirp" ? [] : [`prefix: ${JSON.stringify(prefix)}`]),
    "token: process.env.TOKEN",
  ];
  const name = `${method.name.charAt(0).toLowerCase()}${method.name.slice(1)}`;
  return `import { ${[...imports].sort().join(", ")} } from "@finance-service/client";

const finance = createFinanceClient({ ${options.join(", ")} });
const reply = await finance.${name}({ ${fields.join(", ")} });
console.log(reply);`;
}

/** The enums in the requests of reads. */
const ENUMS = [
  { name: "AccountStatus", members: AccountStatus },
  { name: "AccountType", members: AccountType },
  { name: "TransferState", members: TransferState },
] as const;

/** JSON as JavaScript, where a plain `"__proto__"` would set the prototype. */
function scriptText(json: string): string {
  return json.replaceAll('"__proto__":', '["__proto__"]:');
}
