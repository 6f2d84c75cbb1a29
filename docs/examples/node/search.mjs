// Where was the vehicle in this picture? Prints a line of JSON per match, best first.
//
//   npm install
//   VREID_ADDRESS=matcher.example.org:50661 VREID_TLS_CA=ca.pem VREID_TOKEN_FILE=token node search.mjs car.jpg
//
// Everything comes from proto/vreid.proto; no code is generated. The variables are those of the command line.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const here = dirname(fileURLToPath(import.meta.url));
const { VREID_ADDRESS, VREID_TLS_CA, VREID_TLS_SERVER_NAME, VREID_TOKEN, VREID_TOKEN_FILE, VREID_PROTO } = process.env;
const proto = VREID_PROTO ?? join(here, "..", "..", "..", "proto", "vreid.proto");
const DEADLINE_MS = 30_000;

/** The services of vreid.v1, with enums by name, int64 as strings and field names as the proto writes them. */
function services() {
  const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
  return grpc.loadPackageDefinition(loader.loadSync(proto, options)).vreid.v1;
}

/** What goes with every call: the token, and who asks, for the audit. */
function metadata() {
  const said = new grpc.Metadata();
  const token = VREID_TOKEN ?? (VREID_TOKEN_FILE ? readFileSync(VREID_TOKEN_FILE, "utf8").trim() : "");
  if (token) said.set("authorization", `Bearer ${token}`);
  said.set("vreid-actor", "node-example");
  return said;
}

/** A client over TLS where an authority is named, in the clear on this machine otherwise. */
function connect(Service) {
  const credentials = VREID_TLS_CA
    ? grpc.credentials.createSsl(readFileSync(VREID_TLS_CA))
    : grpc.credentials.createInsecure();
  const options = VREID_TLS_SERVER_NAME ? { "grpc.ssl_target_name_override": VREID_TLS_SERVER_NAME } : {};
  return new Service(VREID_ADDRESS ?? "127.0.0.1:50661", credentials, options);
}

/** One call as a promise. Its failure carries `code`, and the class of the proto's table as metadata `vreid-error`. */
function ask(client, call, request) {
  return new Promise((resolve, reject) => {
    client[call](request, metadata(), { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

const [picture, k = "5"] = process.argv.slice(2);
if (!picture) {
  console.error("usage: node search.mjs PICTURE [K]");
  process.exit(2);
}
const client = connect(services().MatcherService);
try {
  const request = { probes: [{ image: { data: readFileSync(picture) } }], k: Number(k) };
  const { matches } = await ask(client, "Search", request);
  for (const { identity_id, sighting_id, camera_id, probability, first_seen } of matches) {
    const seen = new Date(Number(first_seen.seconds) * 1000).toISOString();
    console.log(JSON.stringify({ identity_id, sighting_id, camera_id, seen, probability }));
  }
} catch (error) {
  const name = error.metadata?.get("vreid-error")[0] ?? "";
  const status = grpc.status[error.code] ?? "";
  console.error(`${status} ${name}: ${error.details ?? error.message}`.trim());
  process.exitCode = 1;
} finally {
  client.close();
}
