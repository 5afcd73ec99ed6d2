// Fastify and pg as a peer of the calendar: the same pages from the same database, a process for each core, a line
// of log for each request.
//
//   node fastify.mjs rows|texts DATABASE_URL PORT
//
// rows: columns of a table, made JSON by the schema of the answer, as one writes it. texts: the finished texts that
// almanac itself stores, joined.
import cluster from "node:cluster";
import os from "node:os";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const [, , kind, connectionString, port] = process.argv;

const text = { type: "string" };
const page = {
  querystring: { type: "object", properties: { start: { type: "integer", minimum: 0, default: 0 },
                                               limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 } } },
  response: { 200: { type: "object", properties: {
    data: { type: "array", items: { type: "object", properties: {
      id: text, title: text, description: text, location: text, startsAt: text, endsAt: text,
      allDay: { type: "boolean" }, status: text, updatedAt: text } } },
    start: { type: "integer" }, limit: { type: "integer" }, total: { type: "integer" }, origin: text, syncedAt: text } } },
};

// The calendar is looked up first, so that the index gives the order.
const calendar = "(SELECT id FROM calendars WHERE user_id = $1)";
const aboutCalendar = `SELECT events::integer AS total, synced_at AS "syncedAt" FROM calendars WHERE user_id = $1`;

const rowsOfPage = `
  SELECT id, title, description, location, starts_at AS "startsAt", ends_at AS "endsAt", all_day AS "allDay", status,
         updated_at AS "updatedAt"
  FROM peer_events WHERE calendar_id = ${calendar} ORDER BY starts_at, id OFFSET $2 LIMIT $3`;

const textsOfPage = `
  SELECT string_agg(item, ',') AS items
  FROM (SELECT item FROM calendar_events WHERE calendar_id = ${calendar} AND deleted_at IS NULL
        ORDER BY starts_at, id OFFSET $2 LIMIT $3) AS e`;

function serve() {
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString, max: 10 });
  const app = require("fastify")({ logger: true, disableRequestLogging: true });
  app.addHook("onResponse", async (request, reply) => {
    request.log.info({ url: request.url, status: reply.statusCode, ms: reply.elapsedTime }, "request");
  });

  async function ask(text, { params, query }) {
    const [about, page] = await Promise.all([
      pool.query({ name: "about", text: aboutCalendar, values: [params.id] }),
      pool.query({ name: kind, text, values: [params.id, query.start, query.limit] })]);
    const { total, syncedAt } = about.rows[0];
    return { rows: page.rows, start: query.start, limit: query.limit, total: Math.min(total, 5000),
             syncedAt: syncedAt.toISOString() };
  }

  const path = "/api/v1/users/:id/events";
  if (kind === "rows")
    app.get(path, { schema: page }, async (request) => {
      const { rows, ...rest } = await ask(rowsOfPage, request);
      for (const row of rows) {
        row.startsAt = row.startsAt.toISOString();
        row.endsAt = row.endsAt.toISOString();
        row.updatedAt = row.updatedAt.toISOString();
      }
      return { data: rows, ...rest, origin: "store" };
    });
  else
    app.get(path, { schema: { querystring: page.querystring } }, async (request, reply) => {
      const { rows, ...rest } = await ask(textsOfPage, request);
      reply.type("application/json; charset=utf-8");
      return `{"data":[${rows[0].items ?? ""}],"start":${rest.start},"limit":${rest.limit},` +
        `"total":${rest.total},"origin":"store","syncedAt":"${rest.syncedAt}"}`;
    });
  app.listen({ host: "127.0.0.1", port: Number(port) });
}

if (cluster.isPrimary)
  for (let number = 0; number < os.availableParallelism(); number++) cluster.fork();
else serve();
