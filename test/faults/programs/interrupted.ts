/** Makes what a cluster of the tests makes, prints it, and waits until it is interrupted. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { makeOwnDirectory, own, ownProcess } from "../../setup/belongings.ts";

const { path } = makeOwnDirectory("finance-interrupted-");
// Like Patroni, it starts another program, and like PostgreSQL it survives it. Both ignore what a terminal sends to all.
const within = spawn("sh", ["-c", "trap '' INT TERM HUP; sleep 1000 & echo $!; wait"], { cwd: path });
const [pid] = await once(within.stdout, "data");
const elsewhere = spawn("sleep", ["1000"]);
ownProcess(elsewhere);
const pids = [within.pid, Number(pid), elsewhere.pid];

let namespace: string | undefined;
own("namespace", `fn${process.pid}`);
try {
  execFileSync("/usr/sbin/ip", ["netns", "add", `fn${process.pid}`], { stdio: "ignore" });
  namespace = `/run/netns/fn${process.pid}`;
} catch {
  // Only root may, where iproute2 is installed.
}
process.stdout.write(JSON.stringify({ run: process.pid, path, pids, namespace }));
