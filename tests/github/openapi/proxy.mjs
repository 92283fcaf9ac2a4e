// Stands between a client and a server that plays GitHub, and holds both against GitHub's published
// description: a request that it does not allow is answered 422, an answer 500, each with the
// violations. Prints one JSON line when it is ready, and ends when its standard input is closed.
//
//   node proxy.mjs http://127.0.0.1:4511
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { trimmed } from "./trim.mjs";

const modules = join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const folder = mkdtempSync(join(tmpdir(), "pawl-openapi-"));

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => { socket.destroy(); resolve(true); });
    socket.on("error", () => resolve(false));
  });
}

const description = join(folder, "github.json");
writeFileSync(description, JSON.stringify(
  trimmed(join(modules, "@octokit/openapi/generated/api.github.com.json"))));
const port = await freePort();
const prism = spawn(process.execPath, [
  join(modules, "@stoplight/prism-cli/dist/index.js"), "proxy", description, process.argv[2],
  "--port", String(port), "--host", "127.0.0.1", "--errors",
], { stdio: ["ignore", "ignore", "inherit"] });

const end = () => {
  prism.kill();
  rmSync(folder, { recursive: true, force: true });
  process.exit();
};
prism.on("exit", end);
process.stdin.on("end", end).resume();
while (!(await listens(port))) await new Promise((resolve) => setTimeout(resolve, 50));
console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
