#!/usr/bin/env bash
# man/events.schema.json against every event that the tests print, by a validator that is not ours.
set -euo pipefail
scripts/need jsonschema=python3-jsonschema jq
# The module may be that of another Python than Debian's.
python=python3
"$python" -c 'import jsonschema' 2> /dev/null || python=/usr/bin/python3
# shellcheck source=tests/lib.sh
. tests/lib.sh

cat > "$dir/validate.py" <<'PYTHON'
# validate.py SCHEMA FILE...: a line for each event that the schema refuses; then how many there were.
import json, sys
from jsonschema import Draft202012Validator, FormatChecker
with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema, format_checker=FormatChecker())
events = refused = 0
for path in sys.argv[2:]:
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            events += 1
            errors = list(validator.iter_errors(json.loads(line)))
            refused += bool(errors)
            for error in errors[:3]:
                print(f"{path}:{number}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
print(events - refused, "good", refused, "refused")
sys.exit(refused > 0)
PYTHON
validate() {
    "$python" "$dir/validate.py" man/events.schema.json "$@"
}

# What the cases expect, and what the filter makes of every log here, also without some columns.
shopt -s nullglob
files=(tests/cases/*/expected)
for log in tests/data/*.csv; do
    name=${log##*/}
    httpmon --quiet --top 0 < "$log" > "$dir/$name.events" || :
    httpmon --quiet --interval 7 --window 5 --threshold 0.1 --recovery-threshold 0.05 < "$log" > "$dir/$name.low" || :
    files+=("$dir/$name".*)
done
seconds() { for second; do printf '%s\n' $((1549573860 + second)); done; }
seconds 0 1 1 40 | httpmon --quiet --columns time -t 0.01 -w 10 > "$dir/time.events"
seconds 0 1 1 40 | sed 's/$/,x/' | httpmon --quiet --columns time,status > "$dir/bad.events" 2> /dev/null || :
seconds 0 1 1 40 | sed 's/.*/&,2\d,200,7/; s/\\d/h/' | httpmon --quiet --columns time,host,status,bytes > "$dir/host.events"
seconds 0 1 1 40 | sed 's/$/,TRACK \/\xff\t\/x HTTP\/1.1,999/' | httpmon --quiet --columns time,request,status > "$dir/odd.events"
# Three of the four alerts at once, with recoveries, and one that is closed because time is set back.
awk 'BEGIN { for (t = 1700000000; t < 1700001200; t++) for (i = ((t % 600 < 200) ? 14 : ((t % 600 < 350) ? 3 : 0)); i > 0; i--)
    printf("%d,%d\n", t, (i % 9 == 0 && t % 600 > 100 && t % 600 < 200) ? 503 : 200)
    for (t = 1600000000; t < 1600000020; t++) print t ",200" }' |
    httpmon -q --columns time,status -w 60 -t 10:8 -e 5 --low-threshold 2 > "$dir/several.events"
for name in high_traffic low_traffic high_errors; do
    grep -q "\"type\":\"recovery\".*\"$name\".*\"recovered\"" "$dir/several.events" || fail "no recovery of $name to try"
done
grep -q '"type":"recovery".*"restarted"' "$dir/several.events" || fail 'nothing was closed by a step back'
cat > "$dir/slow.events" <<'EVENTS'
{"type":"alert","source":"s","time":"2019-02-07T21:12:36Z","name":"slow_requests","window_seconds":120,"requests":1214,"requests_per_second":10.116666666666667,"slow_requests":62,"slow_requests_percent":5.107084019769358,"slow_seconds":1.0,"threshold":5.0,"message":"Slow requests generated an alert - slow = 62 of 1214, triggered at 2019-02-07T21:12:36Z"}
{"type":"recovery","source":"s","time":"2019-02-07T21:14:03Z","name":"slow_requests","reason":"recovered","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":900,"requests_per_second":7.5,"slow_requests":3,"slow_requests_percent":0.3333333333333333,"slow_seconds":1.0,"threshold":5.0,"peak_slow_requests":63,"peak_requests":1214,"peak_time":"2019-02-07T21:12:37Z","message":"Recovered from slow requests - slow = 3 of 900, recovered at 2019-02-07T21:14:03Z after 87 s"}
EVENTS
jq -c 'select(.type == "summary") | .latency = ({requests: 201, sum: 24.913, p50: 0.042, p90: 0.31, p99: 1.24, max: 3.871, slow: 4}, {requests: 0, sum: 0, p50: null, p90: null, p99: null, max: null, slow: 0})' \
    "$dir/host.events" > "$dir/latency.events"
for file in time host odd latency; do [ -s "$dir/$file.events" ] || fail "no events in $file"; done
files+=("$dir"/*.events)
validate "${files[@]}" > "$dir/out" || fail "$(head -20 "$dir/out")"
printf 'ok every event of %d files is as the schema says (%s)\n' "${#files[@]}" "$(tail -n 1 "$dir/out")"

# A schema that takes everything would have passed too.
seconds 0 0 0 40 80 | sed 's/$/,GET \/a HTTP\/1.1,200,1,h/' |
    httpmon -t 0.1 -w 10 --columns time,request,status,bytes,host > "$dir/good"
for type in summary alert recovery; do
    jq -nc "first(inputs | select(.type == \"$type\"))" "$dir/good" > "$dir/$type"
    [ -s "$dir/$type" ] || fail "no $type to try"
done
refuses() { # TYPE JQ-PROGRAM
    jq -c "$2" "$dir/$1" >> "$dir/wrong"
    printf '%s: %s\n' "$1" "$2" >> "$dir/why"
}
for type in summary alert recovery; do
    for field in $(jq -r 'keys[]' "$dir/$type"); do
        refuses "$type" "del(.$field)"
        refuses "$type" ".$field = [true]"
        case $field in
            bytes | latency | status | status_codes | methods | sections | sections_other | hosts | hosts_other) ;;
            *) refuses "$type" ".$field = null" ;;
        esac
    done
    refuses "$type" '.type = "forecast"'
    refuses "$type" '.source = "a\u001b[2J"'
    refuses "$type" '.requests = -1'
    refuses "$type" '.requests = 1.5'
    refuses "$type" '.requests = "1"'
    refuses "$type" '.requests_per_second = -0.1'
done
for field in time since peak_time; do
    for value in 2019-02-07T21:11:00 2019-02-07T21:11:00.5Z 2019-02-07T21:11:60Z 2019-02-07T21:11:00+00:00; do
        refuses recovery ".$field = \"$value\""
    done
done
refuses summary '.status["5xx"] = null'
refuses summary 'del(.status.other)'
refuses summary '.status_codes["20x"] = 1'
refuses summary '.status_codes["200"] = 0'
refuses summary '.methods.get = 1'
refuses summary '.sections = null'
refuses summary '.hosts_other = null'
refuses summary '.status = null'
refuses summary '.sections[0].section = "/a/b"'
refuses summary 'del(.hosts[0].bytes)'
refuses summary '.hosts_other.capped = 0'
refuses summary '.bytes = 18446744073709555000'
refuses alert '.threshold = 0'
refuses alert '.window_seconds = 604801'
refuses alert '.message = "hello"'
# Each alert has its own fields.
for name in high_traffic low_traffic high_errors slow_requests; do
    for type in alert recovery; do
        jq -nc "first(inputs | select(.type == \"$type\" and .name == \"$name\"))" "$dir/several.events" "$dir/slow.events" > "$dir/$type.$name"
        [ -s "$dir/$type.$name" ] || fail "no $type of $name to try"
        for field in $(jq -r 'keys[] | select(test("server_errors|slow_|peak|lowest|reason"))' "$dir/$type.$name"); do
            refuses "$type.$name" "del(.$field)"
            refuses "$type.$name" ".$field = []"
        done
        refuses "$type.$name" '.message |= sub(" traffic| errors| requests"; "")'
        refuses "$type.$name" '.name = "high_bytes"'
    done
done
refuses alert.high_errors '.threshold = 100'
refuses alert.slow_requests '.slow_requests_percent = 101'
refuses recovery.high_traffic '.reason = "tired"'
head -n 1 "$dir/latency.events" > "$dir/latency"
for field in requests sum p50 p90 p99 max slow; do
    refuses latency "del(.latency.$field)"
    refuses latency ".latency.$field = null"
    refuses latency ".latency.$field = -1"
done
refuses latency '.latency.requests = 0'
refuses summary '.alerting = true | .alerts = []'
refuses summary '.alerting = false | .alerts = ["high_errors"]'
refuses summary '.alerting = true | .alerts = ["high_errors", "high_errors"]'
refuses summary '.alerting = true | .alerts = ["high_bytes"]'
validate "$dir/wrong" > "$dir/out" || :
while IFS= read -r why; do
    number=$((${number:-0} + 1))
    grep -qF "wrong:$number:" "$dir/out" || fail "taken although $why"
done < "$dir/why"
printf 'ok %d wrong events are refused\n' "$number"

for type in summary alert recovery; do
    jq -c '.new_field = {"a": [1]}' "$dir/$type"
done > "$dir/new"
validate "$dir/new" > "$dir/out" || fail "new fields are refused: $(cat "$dir/out")"
ok 'fields of a later version are taken'
