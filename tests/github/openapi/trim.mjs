// Cuts GitHub's published OpenAPI description down to what Pawl and its sandbox speak, and changes
// what would keep prism from checking it.
//
//   import { trimmed } from "./trim.mjs"
import { readFileSync } from "node:fs";

const repository = "/repos/{owner}/{repo}";
const paths = [
  "/user", "/rate_limit", "/app/installations/{installation_id}/access_tokens",
  ...["", "/check-runs", "/check-runs/{check_run_id}", "/check-runs/{check_run_id}/annotations",
    "/statuses/{sha}", "/commits", "/commits/{ref}", "/commits/{ref}/check-runs",
    "/commits/{ref}/status", "/commits/{ref}/statuses",
    "/deployments", "/deployments/{deployment_id}", "/deployments/{deployment_id}/statuses",
    "/issues", "/issues/{issue_number}", "/issues/{issue_number}/comments", "/labels",
    "/installation", "/compare/{basehead}", "/environments", "/environments/{environment_name}",
    "/tags", "/releases", "/releases/latest", "/actions/runs", "/actions/runs/{run_id}",
  ].map((path) => repository + path),
];
const keywordsOfValues = new Set(["example", "examples", "default", "enum"]);

const isObject = (value) => value !== null && typeof value === "object";

function operationsOf(description) {
  return Object.values(description.paths).flatMap((item) =>
    Object.values(item).filter((operation) => isObject(operation) && operation.responses));
}

// "#/components/schemas/issue" -> ["components", "schemas", "issue"]
const keysOf = (ref) =>
  ref.slice(2).split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

/// Everything in `all` that `part` refers to, itself included, into `into`.
function copyReferences(part, all, into) {
  if (!isObject(part)) return;
  if (typeof part.$ref === "string" && part.$ref.startsWith("#/components/")) {
    const [, kind, name] = keysOf(part.$ref);
    into[kind] ??= {};
    if (!(name in into[kind])) {
      into[kind][name] = all.components[kind][name];
      copyReferences(into[kind][name], all, into);
    }
  }
  for (const value of Object.values(part)) copyReferences(value, all, into);
}

/// `nullable` without a type makes the checker refuse the whole schema, and prism then checks
/// nothing of that body and says nothing about it.
function giveNullableAType(schema) {
  if (!isObject(schema)) return;
  for (const [key, value] of Object.entries(schema))
    if (!keywordsOfValues.has(key)) giveNullableAType(value);
  if (Array.isArray(schema) || schema.nullable !== true || schema.type || schema.$ref) return;
  delete schema.nullable;
  const choices = schema.oneOf ?? schema.anyOf;
  const typed = choices?.find((choice) => choice.type);
  if (typed) typed.nullable = true;
  else if (schema.allOf) {
    schema.anyOf = [{ allOf: schema.allOf }, { type: "string", nullable: true, enum: [null] }];
    delete schema.allOf;
  }
}

/// A deployment's URLs are "" when nobody gave them, as their `default` says, which is no `uri`.
function letUrlsBeEmpty(schema) {
  if (!isObject(schema)) return;
  if (schema.format === "uri" && schema.default === "") delete schema.format;
  for (const value of Object.values(schema)) letUrlsBeEmpty(value);
}

export function trimmed(file) {
  const all = JSON.parse(readFileSync(file, "utf8"));
  const made = { openapi: all.openapi, info: all.info, servers: all.servers, paths: {}, components: {} };
  for (const path of paths) {
    if (!all.paths[path]) throw new Error(`GitHub's description has no ${path}`);
    made.paths[path] = all.paths[path];
  }
  copyReferences(made.paths, all, made.components);
  giveNullableAType(made.paths);
  giveNullableAType(made.components.schemas);
  letUrlsBeEmpty(made.components.schemas);
  for (const operation of operationsOf(made)) {
    // A body whose schema wants members is wanted itself.
    const body = operation.requestBody;
    if (body && Object.values(body.content)[0]?.schema?.required?.length) body.required = true;
  }
  // Answers are described as application/json, and Accept says application/vnd.github+json.
  const responses = operationsOf(made).flatMap((operation) => Object.values(operation.responses));
  for (const response of [...responses, ...Object.values(made.components.responses ?? {})])
    if (response.content?.["application/json"])
      response.content["application/vnd.github+json"] ??= response.content["application/json"];
  return made;
}
