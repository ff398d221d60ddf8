// Asks the hub for a streamed answer, then for one that fails, and prints both. No stubs are generated: the whole
// contract, google.rpc's error details included, is read from the descriptor set.
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";

const [address, key] = process.argv.slice(2);
if (!key) {
  console.error("usage: node main.mjs ADDRESS KEY");
  process.exit(2);
}

const contract = loadFileDescriptorSetFromBuffer(
  readFileSync(new URL("../../generated/aignehub.binpb", import.meta.url)),
  { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true },
);
const { ChatService } = grpc.loadPackageDefinition(contract).aignehub.v1;
const chat = new ChatService(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${key}`);

function question(model) {
  const content = [{ text: "A short story, please" }];
  return { model, messages: [{ role: "ROLE_USER", content }], max_completion_tokens: 20 };
}

function deadline() {
  return { deadline: Date.now() + 30_000 };
}

// What every failed call of the hub carries: a stable reason, when to try again, and more.
function details(error) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!bytes) return [];
  return contract["google.rpc.Status"].deserialize(bytes).details.map((any) => {
    const name = any.type_url.split("/").pop();
    return { name, ...contract[name]?.deserialize(any.value) };
  });
}

for await (const chunk of chat.StreamChatCompletion(question("sandbox/story"), metadata, deadline())) {
  for (const delta of chunk.choices) process.stdout.write(delta.content);
  if (chunk.usage) console.log(`\n${chunk.usage.total_tokens} tokens`);
}

chat.CreateChatCompletion(question("sandbox/fail-429"), metadata, deadline(), (error) => {
  console.log(grpc.status[error.code], error.details);
  for (const one of details(error)) {
    if (one.reason) console.log("reason", one.reason);
    if (one.retry_delay) console.log("try again after", one.retry_delay.seconds, "s");
  }
  chat.close();
});
