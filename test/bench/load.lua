-- 10,000 user keys, one picked at random for each request. Requests are written once: wrk shares its core with
-- the upstream. The argument is the path.
local keys = 10000
local written = {}

function init(args)
  math.randomseed(os.time())
  wrk.headers["Accept"] = "application/json"
  wrk.headers["User-Agent"] = "wrk"
  for i = 1, keys do
    wrk.headers["Cookie"] = "uid=user-" .. i
    written[i] = wrk.format("GET", args[1])
  end
end

function request()
  return written[math.random(keys)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"bytes":%d,"failed":%d,"refused":%d,"p50":%d,"p99":%d,"p999":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
