// A job queue of the npm registry, tuned, as a peer of the timers: it calls the same receiver.
//
//   node worker.mjs graphile|boss DATABASE_URL
//
// Reads lines from standard input: {"first": ms since 1970, "spread": ms, "count": n, "url": "…"} stores so many jobs
// due from `first` on; it answers with a line "stored". Runs until its input ends.
import http from "node:http";
import readline from "node:readline";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const [, , kind, connectionString] = process.argv;
const AT_ONCE = 64;
const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });

function call({ url, timerId, dueAt }) {
  const body = JSON.stringify({ timerId, dueAt });
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", agent, headers: {
      "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) } }, (answer) => {
      answer.resume();
      answer.on("end", resolve);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function* jobs({ first, spread, count, url }) {
  for (let number = 0; number < count; number++)
    yield { url, timerId: randomUUID(), dueAt: new Date(first + (spread * number) / count).toISOString() };
}

async function inBatches(order, size, store) {
  let batch = [];
  for (const job of jobs(order)) {
    batch.push(job);
    if (batch.length === size) {
      await store(batch);
      batch = [];
    }
  }
  if (batch.length) await store(batch);
}

async function openGraphile() {
  const { run, makeWorkerUtils } = require("graphile-worker");
  const { Logger } = require("graphile-worker");
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  await run({
    logger,
    taskList: { call: (job) => call(job) },
    preset: { worker: { connectionString, concurrentJobs: AT_ONCE, pollInterval: 100, maxPoolSize: 20,
                        localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  });
  return (order) => inBatches(order, 1000, (batch) =>
    utils.addJobs(batch.map((job) => ({ identifier: "call", payload: job, runAt: new Date(job.dueAt) }))));
}

async function openBoss() {
  const PgBoss = require("pg-boss");
  const boss = new PgBoss({ connectionString, max: 20 });
  boss.on("error", () => {});
  await boss.start();
  await boss.createQueue("call");
  for (let worker = 0; worker < 4; worker++)
    await boss.work("call", { batchSize: AT_ONCE, pollingIntervalSeconds: 0.5 },
                    (batch) => Promise.all(batch.map((job) => call(job.data))));
  return (order) => inBatches(order, 1000, (batch) =>
    boss.insert(batch.map((job) => ({ name: "call", data: job, startAfter: new Date(job.dueAt) }))));
}

const store = await (kind === "boss" ? openBoss() : openGraphile());
console.log("ready");
for await (const line of readline.createInterface({ input: process.stdin })) {
  await store(JSON.parse(line));
  console.log("stored");
}
process.exit(0);
