// Stands between a client and a server that plays GitHub, and holds both against GitHub's published
// description: a request that it does not allow is answered 422, an answer 500, each with the
// violations. Prints one JSON line when it is ready, and ends when its standard input is closed.
//
//   node proxy.mjs http://127.0.0.1:4511
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
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

// Resolves to the child once it says that it listens, or to nothing when it ends before: somebody
// may have taken the port meanwhile, and would be taken for prism by whoever merely connects.
function startPrism(port) {
  const child = spawn(process.execPath, [
    join(modules, "@stoplight/prism-cli/dist/index.js"), "proxy", description, process.argv[2],
    "--port", String(port), "--host", "127.0.0.1", "--errors",
  ], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve) => {
    let said = "";
    child.stdout.on("data", (bytes) => {
      if (said === null) return;
      said += bytes;
      if (!said.includes("Prism is listening")) return;
      said = null;
      resolve(child);
    });
    child.on("exit", () => resolve(null));
  });
}

const description = join(folder, "github.json");
writeFileSync(description, JSON.stringify(
  trimmed(join(modules, "@octokit/openapi/generated/api.github.com.json"))));
let port, prism = null;
for (let tries = 0; prism === null && tries < 5; ++tries) {
  port = await freePort();
  prism = await startPrism(port);
}

const end = () => {
  prism?.kill();
  rmSync(folder, { recursive: true, force: true });
  process.exit();
};
if (prism === null) end();
prism.on("exit", end);
process.stdin.on("end", end).resume();
console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
