export interface BannerFacts {
  readonly apiUrl: string;
  readonly twirpPrefix: string;
  readonly consoleUrl: string | undefined;
  /** Where the data is, without a password. */
  readonly database: string;
  /** Only in development. */
  readonly token: { readonly subject: string; readonly value: string; readonly lifetimeDays: number } | undefined;
}

/** What a person who just started the service wants to know, with calls to paste. */
export function banner({ apiUrl, twirpPrefix, consoleUrl, database, token }: BannerFacts): string {
  const endpoint = `${apiUrl}${twirpPrefix}/finance.v1.FinanceService`;
  const lines = ["", `  API      ${endpoint}/`];
  if (consoleUrl !== undefined) lines.push(`  Console  ${consoleUrl}`);
  lines.push(`  Data     ${database}`, "");
  if (token !== undefined) {
    lines.push(
      `A token for ${token.subject}, good for ${token.lifetimeDays} days, in two calls to paste:`,
      "",
      `curl ${endpoint}/GetAccount \\`,
      `  -H 'content-type: application/json' \\`,
      `  -H 'authorization: Bearer ${token.value}' \\`,
      `  -d '{"id": 4}'`,
      "",
      `axios.post("${endpoint}/GetAccount", { id: 4 }, {`,
      `  headers: { "Content-Type": "application/json", Authorization: "Bearer ${token.value}" },`,
      "}).then(({ data }) => console.log(data))",
      "",
    );
  }
  return lines.join("\n");
}
