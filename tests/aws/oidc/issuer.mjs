// What GitHub Actions and AWS are to a job that deploys without stored keys, made of parts that
// nobody here wrote: oauth2-mock-server issues RS256 tokens and publishes its keys, jose checks
// them.
//
//   GET  /actions/token?audience=A   as ACTIONS_ID_TOKEN_REQUEST_URL: a token for the audience
//   POST /sts/                       as STS: AssumeRoleWithWebIdentity goes on to the server behind
//                                    only with a token that the issuer signed, that is for STS, has
//                                    not ended and names the trusted subject; all else goes on
//
// Prints one JSON line when it is ready, and ends when its standard input is closed.
//
//   node issuer.mjs http://127.0.0.1:5555
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { OAuth2Server } from "oauth2-mock-server";

const behind = process.argv[2];
const REQUEST_TOKEN = "request-token-of-the-job";
const SUBJECT = "repo:example/meals:environment:prod";

const issuer = new OAuth2Server();
await issuer.issuer.keys.generate("RS256");
await issuer.start(0, "127.0.0.1");
const issuerUrl = issuer.issuer.url;
const keys = createRemoteJWKSet(new URL(`${issuerUrl}/jwks`));

function bodyOf(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => resolve(Buffer.concat(chunks)));
  });
}

function answer(response, status, type, text) {
  response.writeHead(status, { "Content-Type": type });
  response.end(text);
}

// https://docs.github.com/actions/reference/security/oidc
async function actionsToken(request, response, url) {
  if (request.headers.authorization !== `Bearer ${REQUEST_TOKEN}`)
    return answer(response, 401, "application/json", '{"message": "unauthorized"}');
  const audience = url.searchParams.get("audience") ?? "https://github.com/example";
  const value = await issuer.issuer.buildToken({
    expiresIn: url.searchParams.get("ended") ? -60 : 300,
    scopesOrTransform: (header, payload) => {
      Object.assign(payload, { aud: audience, sub: url.searchParams.get("sub") ?? SUBJECT });
    },
  });
  return answer(response, 200, "application/json", JSON.stringify({ count: value.length, value }));
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
async function refusal(form) {
  if (form.get("Action") !== "AssumeRoleWithWebIdentity") return null;
  try {
    const { payload } = await jwtVerify(form.get("WebIdentityToken") ?? "", keys, {
      issuer: issuerUrl, audience: "sts.amazonaws.com", algorithms: ["RS256"],
    });
    if (payload.sub === SUBJECT) return null;
    return [403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"];
  } catch (problem) {
    if (problem.code === "ERR_JWT_EXPIRED")
      return [400, "ExpiredTokenException", "Token expired"];
    if (problem.claim === "aud") return [400, "InvalidIdentityToken", "Incorrect token audience"];
    return [400, "InvalidIdentityToken", `The token is not valid: ${problem.code}`];
  }
}

async function sts(request, response) {
  const body = await bodyOf(request);
  const refused = await refusal(new URLSearchParams(body.toString()));
  if (refused)
    return answer(response, refused[0], "text/xml",
                  `<ErrorResponse><Error><Type>Sender</Type><Code>${refused[1]}</Code>` +
                  `<Message>${refused[2]}</Message></Error><RequestId>oidc-1</RequestId>` +
                  "</ErrorResponse>");
  const headers = { "content-type": request.headers["content-type"] };
  const passed = await fetch(`${behind}/`, { method: "POST", body, headers });
  return answer(response, passed.status, "text/xml", await passed.text());
}

const front = createServer((request, response) => {
  const url = new URL(request.url, "http://front");
  const served = url.pathname === "/actions/token" ? actionsToken(request, response, url)
                                                   : sts(request, response);
  served.catch((problem) => answer(response, 500, "text/plain", String(problem)));
});
front.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${front.address().port}`;
  console.log(JSON.stringify({
    sts: `${url}/sts`, token_url: `${url}/actions/token?api-version=2.0`, token: REQUEST_TOKEN,
  }));
});
process.stdin.on("end", () => process.exit()).resume();
