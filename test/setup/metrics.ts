/** The value of a series at /metrics, as `rpc_requests_total{method="GetAccount",code="ok"}`; 0 if it is absent. */
export async function readSeries(url: string, series: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}
