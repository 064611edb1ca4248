#!/usr/bin/env bash
# The manual's recipe for ClickHouse, run by ClickHouse itself (chDB): what it says of the events is what jq says of them.
set -euo pipefail
scripts/need jq python3 awk=mawk gzip flock=util-linux
python3 -c 'import ensurepip' 2> /dev/null || scripts/need ensurepip=python3-venv 2> /dev/null || true
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=scripts/httpmon-venv.sh
. scripts/httpmon-venv.sh
make_venv httpmon-clickhouse ClickHouse tests/clickhouse.pins

statement() { sed -n "/^$1/,/;\$/p" man/httpmon-scale.7; } # FIRST WORDS
query() {                                                  # of standard input, in the folder of the events
    (cd "$dir" && "$venv/bin/python" -c '
import sys
from chdb import session
print(session.Session(sys.argv[1]).query(sys.stdin.read().rstrip("; \n"), "TSV"), end="")' "$dir/clickhouse")
}

# Five hours of two servers, one of them without status and latency; alerts; a torn line at the end.
log() { # SECONDS BETWEEN
    awk -v STEP="$1" 'BEGIN { for (t = 1700000000; t < 1700018000; t += t % 3000 < 200 ? STEP / 20 : STEP)
        printf "192.0.2.%d,-,-,%d,GET /s%d%s HTTP/1.1,%d,%d,%.3f\n", t % 5, t, t % 13, t % 4 ? "/x" : "", t % 11 ? 200 : 500 + t % 2, t % 997, t % 17 / 10 }'
}
{
    log 2 | httpmon -q --source web1 -c host,-,user,time,request,status,bytes,latency -t 5
    log 3 | httpmon -q --source größe -c host,-,user,time,request
} > "$dir/all"
head -n 500 "$dir/all" > "$dir/events.ndjson.1"
sed -n '501,1000p' "$dir/all" | gzip -1 > "$dir/events.ndjson.2.gz"
{
    tail -n +1001 "$dir/all"
    head -n 1 "$dir/all" | head -c 100
} > "$dir/events.ndjson"
[ "$(grep -c '"type":"alert"' "$dir/all")" -gt 3 ] || fail 'hardly any alerts'

statement 'create table' | query
for _ in 1 2; do statement 'insert into' | query; done
jq -s -r 'group_by(.type)[] | [.[0].type, length] | @tsv' "$dir/all" > "$dir/expected"
query <<< 'select type, count() from events final group by type order by type' > "$dir/got"
same_bytes 'events by type, loaded twice' "$dir/expected" "$dir/got"
ok 'events are there once, however often they are loaded'

jq -s -r 'map(select(.type == "summary") | .hour = (.start | fromdate / 3600 | floor * 3600)) | group_by([.source, .hour])[]
    | [.[0].source, (.[0].hour | strftime("%Y-%m-%d %H:%M:%S")), (map(.requests) | add), (map(.status["5xx"] // 0) | add),
        (map(.latency.p99 // empty) | max)] | map(if . == null then "\\N" else tostring end) | join("\t")' "$dir/all" > "$dir/expected"
[ "$(wc -l < "$dir/expected")" -ge 10 ] || fail 'hardly any hours'
statement 'select source' | query > "$dir/got"
same_bytes 'sums by hour' "$dir/expected" "$dir/got"
ok 'sums by source and hour are those of jq'

jq -s -r '[.[] | select(.type == "summary").sections[]] | group_by(.section)
    | map([.[0].section, (map(.requests) | add), (map(.server_errors // 0) | add)]) | sort_by(-.[1], .[0])[:10][] | @tsv' "$dir/all" > "$dir/expected"
statement 'select one' | query > "$dir/got"
same_bytes 'the heaviest sections' "$dir/expected" "$dir/got"
ok 'the heaviest sections are those of jq'
