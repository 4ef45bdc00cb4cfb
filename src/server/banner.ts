export interface BannerFacts {
  readonly apiUrl: string;
  readonly twirpPrefix: string;
  readonly consoleUrl: string | undefined;
  /** Where the data is, without a password. */
  readonly database: string;
  /** Only in development. */
  readonly tokens: DevelopmentTokens | undefined;
}

export interface DevelopmentTokens {
  readonly lifetimeDays: number;
  /** Has every scope. */
  readonly admin: NamedToken;
  /** Has finance.read and finance.write. */
  readonly plain: NamedToken;
}

interface NamedToken {
  readonly subject: string;
  readonly value: string;
}

/** What a person who just started the service wants to know, with calls to paste. */
export function banner({ apiUrl, twirpPrefix, consoleUrl, database, tokens }: BannerFacts): string {
  const endpoint = `${apiUrl}${twirpPrefix}/finance.v1.FinanceService`;
  const lines = ["", `  API      ${endpoint}/`];
  if (consoleUrl !== undefined) lines.push(`  Console  ${consoleUrl}`);
  lines.push(`  Data     ${database}`, "");
  if (tokens !== undefined) {
    const { lifetimeDays, admin, plain } = tokens;
    lines.push(
      `A token for ${admin.subject}, good for ${lifetimeDays} days, in two calls to paste:`,
      "",
      `curl ${endpoint}/GetAccount \\`,
      `  -H 'content-type: application/json' \\`,
      `  -H 'authorization: Bearer ${admin.value}' \\`,
      `  -d '{"id": 4}'`,
      "",
      `axios.post("${endpoint}/GetAccount", { id: 4 }, {`,
      `  headers: { "Content-Type": "application/json", Authorization: "Bearer ${admin.value}" },`,
      "}).then(({ data }) => console.log(data))",
      "",
      `A token for ${plain.subject}, who has finance.read and finance.write but not finance.admin:`,
      "",
      plain.value,
      "",
    );
  }
  return lines.join("\n");
}
