#!/usr/bin/env bash
# Many logs read by Spark give the events of one httpmon that reads all records in order of time; also on two
# workers of which one is killed. HTTPMON_SPARK=all adds more sets of options,
# malformed lines and what can't be read, which takes some minutes.
set -euo pipefail
scripts/need java=openjdk-17-jre-headless python3 gzip jq
python3 -c 'import ensurepip' 2> /dev/null || scripts/need ensurepip=python3-venv 2> /dev/null || true
# shellcheck source=tests/lib.sh
. tests/lib.sh

# Less is compiled: the runs are short.
export SPARK_OPTIONS='--driver-java-options -XX:TieredStopAtLevel=1 --conf spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1'
export MASTER='local[2]'

# A log of busy and quiet times and gaps, in 20 files by server and by time, some packed and all a little out of
# order. The times of a server's files overlap. `whole` has the same records in order of time.
cut_logs() { # SEED FOLDER
    python3 - "$@" << 'PYTHON'
import gzip, os, random, sys

random.seed(int(sys.argv[1]))
folder = sys.argv[2]
SECTIONS = ["/api/x", "/report", "/", "/a\"\"b/c", "/größe/x", "*", "/ta\\b/", "/shop/1?q=/2", "", "//x"] + [f"/s{i}/p" for i in range(40)]
METHODS = ["GET"] * 8 + ["POST", "PUT", "HEAD", "PROPFIND", "DELETE", "OPTIONS"]
START = 1_700_000_003
t, records = START, []
for _ in range(60):
    pace, length = random.choice([0.02, 0.5, 2, 4, 5, 6, 8, 12, 20]), random.randrange(5, 90)
    errors, speed = random.choice([1, 9, 20, 40]), random.choice([2, 5, 10, 20])
    for second in range(t, t + length):
        for _ in range(random.randrange(int(2 * pace) + 2) if random.random() < min(1, 3 * pace) else 0):
            records.append((second, f'10.0.{random.randrange(3)}.{int(random.expovariate(0.1))},-,-,{second},'
                f'"{random.choice(METHODS)} {random.choice(SECTIONS)} HTTP/1.1",'
                f'{random.choice([200] * errors + [301, 404, 500, 503, 0, "-"])},{random.choice(["-", 0, 17, random.randrange(10**6)])},'
                f'{random.choice(["-", "0.5", f"{random.expovariate(speed):.6f}"])}'))
    t += length + random.choice([0, 0, 0, 0, 3, 35, 131, 300, 4000])
last = records[-1][0]
logs = {}
for second, line in records:
    server = random.randrange(5)
    part = min(3, max(0, int((second - START + random.uniform(-200, 200)) * 4 / (last - START))))
    logs.setdefault((server, part), []).append((second, line))
os.makedirs(f"{folder}/old")
for (server, part), log in logs.items():
    log.sort(key=lambda record: record[0] + random.uniform(0, 3))
    name = f"{folder}/{'old/' if part == 0 else ''}web{server}.csv.{part}"
    with gzip.open(name + ".gz", "wt") if part < 2 else open(name, "w") as file:
        file.writelines(line + "\n" for _, line in log)
with open(f"{folder}.whole", "w") as whole:
    whole.writelines(line + "\n" for _, line in records)
PYTHON
}

# Whether two files have the same events: each field but the percentiles, numbers as numbers, in the same order.
same_events() { # WHAT EXPECTED GOT
    python3 - "$@" << 'PYTHON' || fail "$1: not the same events"
import json, sys

what, expected, got = sys.argv[1], *([json.loads(line) for line in open(name)] for name in sys.argv[2:])
for event in expected:
    if event.get("latency"):
        event["latency"] |= {"p50": None, "p90": None, "p99": None}
if [list(event) for event in expected] != [list(event) for event in got]:
    print(f"{what}: {len(expected)} events expected, {len(got)} got, or other fields", file=sys.stderr)
for one, other in zip(expected, got):
    if one != other:
        different = {field: (one.get(field), other.get(field)) for field in one if one.get(field) != other.get(field)}
        sys.exit(f"{one['type']} {one.get('start') or one.get('time')}: {different}")
sys.exit(len(expected) != len(got))
PYTHON
}

compare() { # WHAT OPTION...: over $dir/logs
    local what=$1
    shift
    httpmon -q --source logs "$@" < "$dir/logs.whole" > "$dir/expected"
    httpmon-spark "$@" "$dir/logs" > "$dir/got" 2> "$dir/err" || fail "$what: status $?: $(cat "$dir/got" "$dir/err")"
    [ ! -s "$dir/err" ] || fail "$what: not quiet: $(head -n 5 "$dir/err")"
    same_events "$what" "$dir/expected" "$dir/got"
    ok "$what: $(line_count "$dir/got") events are the same, $(grep -c '"type":"alert"' "$dir/got") alerts among them"
}

cut_logs 20 "$dir/logs"
[ "$(find "$dir/logs" -type f | wc -l)" -eq 20 ] || fail 'not 20 files'

# The 12th filter to start kills the worker's process that it works for, once.
cat > "$dir/deadly" << 'FILTER'
#!/usr/bin/env bash
dir=$(dirname "$0")
echo "$$" >> "$dir/started"
if [ "$(wc -l < "$dir/started")" -ge 12 ] && mkdir "$dir/killed" 2> /dev/null; then
    pid=$$
    until [ "$(cat "/proc/$pid/comm")" = java ]; do pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status"); done
    kill -9 "$pid"
fi
exec httpmon "$@"
FILTER
chmod +x "$dir/deadly"
columns=(--columns 'host,-,-,time,request,status,bytes,latency')
options=("${columns[@]}" -t 6:5 --low-threshold 0.5:1 -e 20:10 --slow-threshold 15:8 --slow 0.6 --min-count 3 -w 45 -i 30 -n 5)
httpmon -q --source logs "${options[@]}" < "$dir/logs.whole" > "$dir/expected"
MASTER='local-cluster[2,1,1024]' httpmon-spark --httpmon "$dir/deadly" "${options[@]}" "$dir/logs" > "$dir/got" 2> "$dir/err" ||
    fail "a killed worker: status $?: $(cat "$dir/got" "$dir/err")"
[ -d "$dir/killed" ] || fail 'no worker was killed'
started=$(line_count "$dir/started")
[ "$started" -gt 20 ] || fail "only $started filters were started"
for name in high_traffic low_traffic high_errors slow_requests; do
    for type in alert recovery; do grep -q "\"type\":\"$type\".*\"name\":\"$name\"" "$dir/expected" || fail "no $type $name"; done
done
same_events 'a killed worker' "$dir/expected" "$dir/got"
ok "20 files on two workers, one killed in the middle: $(line_count "$dir/got") events are the same; $started filters were started"

[ "${HTTPMON_SPARK:-}" = all ] || exit 0

all=(--low-threshold 0.5 -e 10 --slow-threshold 10 --slow 0.5)
compare 'the defaults' -t 10
compare 'an interval of 7 s, hysteresis' "${columns[@]}" "${all[@]}" -i 7 -w 30 -t 5:3.5 -n 3
compare 'an hour, all names, a rate with nine decimals' "${columns[@]}" "${all[@]}" -i 1h -w 10m -t 2.123456789 -n 0
compare 'a second and a window of one' "${columns[@]}" "${all[@]}" --min-count 1 -i 1 -w 1 -t 20 -r 1 -n 1
compare 'a day, a window of a week' "${columns[@]}" "${all[@]}" -i 1d -w 1w -t 0.2
compare 'columns that are not there are null' --columns host,-,-,time -e 1 --slow-threshold 1 -i 1m -w 1m -t 8
compare 'no high_traffic' "${columns[@]}" "${all[@]}" -t off -e 30:10 --slow 0.123456789 --slow-threshold 50:1 -i 1m

# One log is cut into pieces of 20 KB, with a header that must be known in each. Then the same with late requests, and
# clocks that are wrong by up to years: these count in the rates at another second, so only the summaries are the same.
python3 - "$dir/logs.whole" "$dir/long" << 'PYTHON'
import random, sys

random.seed(7)
lines = open(sys.argv[1]).readlines()
for name, disorder in ("", 4), (".late", 9):
    order = sorted(range(len(lines)), key=lambda at: int(lines[at].split(",")[3]) + random.uniform(0, disorder))
    with open(sys.argv[2] + name, "w") as file:
        file.write("# a comment\nremote host,status,latency,bytes,request,time\n")
        for at in order:
            host, _, _, time, request, status, size, latency = lines[at].rstrip().split(",")
            if name and random.random() < 0.01:
                time = int(time) + random.choice([-5000, -30, 40, 4000, 10**8])
            if name and random.random() < 0.01:
                request = '"torn'
            file.write(f"{host},{status},{latency},{size},{request},{time}\n")
PYTHON
options=("${all[@]}" -i 30 -w 45 -t 6:5 -n 5)
httpmon -q --source logs "${options[@]}" < "$dir/long" > "$dir/expected"
httpmon-spark --split 20000 "${options[@]}" "$dir/long" > "$dir/got" 2> "$dir/err" || fail "pieces: $(cat "$dir/got" "$dir/err")"
same_events 'pieces of a log' "$dir/expected" "$dir/got"
ok "$(($(wc -c < "$dir/long") / 20000 + 1)) pieces of a log: $(line_count "$dir/got") events are the same"
httpmon -q --source logs "${options[@]}" < "$dir/long.late" | jq -c 'select(.requests > 0 and .type == "summary") | del(.alerting, .alerts, .malformed, .skipped)' > "$dir/expected"
httpmon-spark -q --split 20000 "${options[@]}" "$dir/long.late" > "$dir/all" 2> "$dir/err" || fail "late: $(cat "$dir/all" "$dir/err")"
jq -c 'select(.requests > 0 and .type == "summary") | del(.alerting, .alerts, .malformed, .skipped)' < "$dir/all" > "$dir/got"
same_events 'pieces of a log with late requests' "$dir/expected" "$dir/got"
for sum in late future; do
    [ "$(jq -s "map(.$sum) | add" "$dir/got")" -gt 50 ] || fail "$sum: fewer than 50"
done
[ "$(sums_of "$dir/all")" = "$(httpmon -q < "$dir/long.late" | sums_of /dev/stdin)" ] || fail "late: the sums are $(sums_of "$dir/all")"
ok "pieces of a log with late and future requests: $(line_count "$dir/got") summaries are the same"

# Each file with a header, some lines malformed: they have no time, so only their sums are the same.
find "$dir/logs" -type f ! -name '*.gz' | while IFS= read -r log; do
    sed -i '1i host,ident,user,time,request,status,bytes,latency
10~50i torn,"' "$log"
done
httpmon -q --source logs -i 1h "${columns[@]}" < "$dir/logs.whole" | jq -c 'del(.malformed, .skipped)' > "$dir/expected"
httpmon-spark -i 1h "${columns[@]}" "$dir/logs/*" > "$dir/all" 2> "$dir/err" || fail "malformed lines: $(cat "$dir/all" "$dir/err")"
jq -c 'del(.malformed, .skipped)' "$dir/all" > "$dir/got"
same_events 'malformed lines' "$dir/expected" "$dir/got"
malformed=$(find "$dir/logs" -type f ! -name '*.gz' -exec cat {} + | grep -c '^torn')
[ "$(sums_of "$dir/all")" = "$(line_count "$dir/logs.whole") $malformed 10" ] || fail "the sums are $(sums_of "$dir/all")"
grep -q "httpmon_spark: $malformed of .* lines were malformed" "$dir/err" || fail "says $(cat "$dir/err")"
ok "malformed and skipped lines: $malformed and 10 are counted and told of, and all else is the same"

# What can't be read.
mkdir "$dir/bad"
echo 'no log at all' > "$dir/bad/text"
cp "$dir/logs/web1.csv.3" "$dir/bad"
httpmon-spark "$dir/bad" > "$dir/got" 2> "$dir/err" || fail "a text beside a log: status $?"
grep -q "^httpmon_spark: $dir/bad/text: " "$dir/err" || fail "a text beside a log: says $(cat "$dir/err")"
[ "$(requests_in "$dir/got")" -gt 0 ] || fail 'a text beside a log: the log is not read'
status=0
httpmon-spark "$dir/bad/text" > "$dir/got" 2> "$dir/err" || status=$?
[ "$status $(wc -c < "$dir/got")" = '1 0' ] || fail "a text alone: status $status: $(cat "$dir/got" "$dir/err")"
gzip < "$dir/bad/text" | head -c 20 > "$dir/bad/cut.gz"
status=0
httpmon-spark "$dir/bad" > "$dir/got" 2> "$dir/err" || status=$?
[ "$status $(wc -c < "$dir/got")" = '2 0' ] || fail "a torn .gz: status $status: $(cat "$dir/got")"
grep -q "^httpmon_spark: $dir/bad/cut.gz: gzip ended with status" "$dir/err" || fail "a torn .gz: says $(cat "$dir/err")"
ok 'a file that is no log is named; a torn .gz is a failure, and no events are written'
