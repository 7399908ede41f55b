// Compiles contracts/*.sol into contracts.json: `npm ci && npm run compile`, in this folder.
// The bytes are the same on every machine: the compiler is pinned, and no metadata are appended.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import solc from "solc";

const folder = new URL("contracts/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".sol")).sort();
const texts = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), "utf8")]));

const settings = {
  evmVersion: "paris", // runs on every chain, and on every EVM of the tests
  optimizer: { enabled: true, runs: 200 },
  metadata: { appendCBOR: false, bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
const sources = Object.fromEntries(names.map((name) => [name, { content: texts[name] }]));
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));

const contracts = {};
for (const name of names) {
  for (const [contract, { evm }] of Object.entries(output.contracts[name])) {
    contracts[contract] = { creation: evm.bytecode.object, runtime: evm.deployedBytecode.object };
  }
}
const sha256 = Object.fromEntries(
  names.map((name) => [name, createHash("sha256").update(texts[name]).digest("hex")]),
);
const compiled = { solc: solc.version(), settings: { evmVersion: settings.evmVersion }, sha256, contracts };
writeFileSync(new URL("contracts.json", import.meta.url), JSON.stringify(compiled, null, 1) + "\n");
