-- The questions of the load scripts, for wrk: -s ask.lua URL -- KIND SEED [ARGUMENT...]
--
-- Every thread walks its own share of a permutation, so that within a run no question comes twice.
-- `done` prints one line of JSON behind wrk's own words.

local FIRST_DAY = 1577836800 -- 2020-01-01, as catalogs.py has it
local DAYS = 4600
local SECONDS = DAYS * 86400
local PRIME = 15485863 -- divides none of the numbers that are walked through

local days, times = {}, {}
local place, step = 0, 1
local kinds, ask = {}, nil
local thread_count = 0

local function fill_tables()
  for day = 0, DAYS + 400 do
    days[day] = os.date("!%Y-%m-%d", FIRST_DAY + day * 86400)
  end
  for second = 0, 86399 do
    times[second] = os.date("!T%H:%M:%SZ", second)
  end
end

local function moment(second)
  return days[math.floor(second / 86400)] .. times[second % 86400]
end

-- The next number below `count`; each comes once before one comes again.
local function walk(count)
  place = place + step
  return (place * PRIME) % count
end

local function get(target, headers)
  return "GET " .. target .. " HTTP/1.1\r\nHost: load\r\n" .. (headers or "") .. "\r\n"
end

local function headers_of(arguments)
  local lines = ""
  for place = 4, #arguments do
    lines = lines .. arguments[place] .. "\r\n"
  end
  return lines
end

-- The first questions are made before the clock runs: what is measured is not how fast they are made.
local AHEAD = 150000

local function made_ahead(make)
  local questions, number = {}, 0
  for place = 1, AHEAD do
    questions[place] = make()
  end
  return function()
    number = number + 1
    return questions[number] or make()
  end
end

-- fixed TARGET [HEADER...]
function kinds.fixed(arguments)
  local question = get(arguments[3], headers_of(arguments))
  return function() return question end
end

local function post(target, body)
  return "POST " .. target .. " HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\nContent-Length: "
    .. #body .. "\r\n\r\n" .. body
end

local TIMER = '{"url":"http://127.0.0.1:9/hook","delay":86400,"payload":{"order":17}}'

-- timer: one timer to come; timers: a thousand at once
function kinds.timer()
  local question = post("/api/v1/timers", TIMER)
  return function() return question end
end

function kinds.timers()
  local question = post("/api/v1/timers/batch", "[" .. string.rep(TIMER, 1000, ",") .. "]")
  return function() return question end
end

-- tasks RUN: each creates a task of its own, of one of 10,000 users
function kinds.tasks(arguments)
  local front = '{"event":"created","timestamp":"2026-01-01T10:00:00Z","metadata":{"userId":"user-'
  local run = arguments[3]
  return made_ahead(function()
    local number = walk(1000000007)
    return post("/webhook", front .. number % 10000 .. '","id":"' .. run .. "-" .. number ..
      '","content":"Buy milk and bread","isCompleted":false}}')
  end)
end

-- window SECONDS [HEADER...]: date searches of that length, from any second of the catalog
function kinds.window(arguments)
  local length, headers = tonumber(arguments[3]), headers_of(arguments)
  return made_ahead(function()
    local from = walk(SECONDS)
    return get("/search?starts_at=" .. moment(from) .. "&ends_at=" .. moment(from + length), headers)
  end)
end

-- words LEAST MOST: one word of a title, and a window of five years
function kinds.words(arguments)
  local least, most = tonumber(arguments[3]), tonumber(arguments[4])
  return made_ahead(function()
    local number = walk((most - least + 1) * 2000)
    local word, day = least + number % (most - least + 1), math.floor(number / (most - least + 1))
    return get("/api/v1/events?q=" .. word .. "&startsAt=" .. days[day] .. "&endsAt=" .. days[day + 1826])
  end)
end

-- prices: a window of two days, and between what the prices are to lie
function kinds.prices()
  return made_ahead(function()
    local number = walk(4500 * 50 * 50)
    local day = number % 4500
    number = math.floor(number / 4500)
    return get("/api/v1/events?startsAt=" .. days[day] .. "&endsAt=" .. days[day + 2] ..
      "&minPrice=" .. 10 + number % 50 .. "&maxPrice=" .. 40 + math.floor(number / 50))
  end)
end

local function lines_of(file)
  local lines = {}
  for line in io.lines(file) do
    lines[#lines + 1] = line
  end
  return lines
end

-- keys FILE: one event by its UUID, a UUID on each line
function kinds.keys(arguments)
  local keys = lines_of(arguments[3])
  return made_ahead(function()
    return get("/api/v1/events/" .. keys[1 + walk(#keys)])
  end)
end

-- targets FILE: whatever stands on its lines
function kinds.targets(arguments)
  local targets = lines_of(arguments[3])
  return made_ahead(function()
    return get(targets[1 + walk(#targets)])
  end)
end

function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
  thread:set("threads", 2)
end

function init(arguments)
  local seed = tonumber(arguments[2])
  step = threads
  place = number + threads * 1000003 * seed
  fill_tables()
  ask = kinds[arguments[1]](arguments)
end

function request()
  return ask()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bytes":%d,"bad":%d,"broken":%d,"late":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
