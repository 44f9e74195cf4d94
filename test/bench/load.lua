-- 10,000 user keys, one picked at random for each request. Requests are written once: wrk shares its core with
-- the upstream.
local keys = 10000
local written = {}

function init()
  math.randomseed(os.time())
  wrk.headers["Accept"] = "application/json"
  wrk.headers["User-Agent"] = "wrk"
  for i = 1, keys do
    wrk.headers["Cookie"] = "uid=user-" .. i
    written[i] = wrk.format("GET", "/fact/")
  end
end

function request()
  return written[math.random(keys)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"failed":%d,"refused":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.timeout,
    errors.status, latency:percentile(50), latency:percentile(99)))
end
