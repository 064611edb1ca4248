#!/usr/bin/env bash
# httpmon-prometheus with the real things: promtool reads its file, node_exporter serves it.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq curl python3 mandoc promtool=prometheus prometheus-node-exporter
# shellcheck source=tests/lib.sh
. tests/lib.sh

mkdir "$dir/textfiles"
file=$dir/textfiles/httpmon.prom
for second in $(seq 0 40); do
    for _ in $(seq 1 $((second < 20 ? 30 : 1))); do
        printf '%s,10.0.0.%s,"GET /a HTTP/1.1",%s,123\n' $((1549573860 + second)) $((second % 7)) $((second % 5 == 0 ? 503 : 200))
    done
done > "$dir/log"
names=('/var/log/a.csv' 'C:\logs "1"' $'caf\303\251 {x="y"} 1')
for name in "${names[@]}"; do
    printf '==> %s <==\n' "$name"
    cat "$dir/log"
done | httpmon --columns time,host,request,status,bytes --window 10 > "$dir/events"
httpmon-prometheus "$file" < "$dir/events" > /dev/null
promtool check metrics < "$file" > "$dir/out" 2>&1 || fail "promtool: $(cat "$dir/out")"
[ ! -s "$dir/out" ] || fail "promtool: $(cat "$dir/out")"
ok 'promtool finds nothing to say about names, types and units'

port=$(free_port)
prometheus-node-exporter --web.listen-address="127.0.0.1:$port" --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$dir/textfiles" > "$dir/exporter.log" 2>&1 &
exporter=$!
answers() {
    ! is_gone "$exporter" || fail "node_exporter: $(cat "$dir/exporter.log")"
    curl -fs "http://127.0.0.1:$port/metrics" > "$dir/scraped"
}
until_true 'node_exporter answers' answers
grep -qx 'node_textfile_scrape_error 0' "$dir/scraped" || fail "the collector: $(cat "$dir/exporter.log")"
# node_exporter writes large numbers and the order of labels its own way.
series() { grep '^httpmon_' "$1" | python3 -c '
import re, sys
for line in sys.stdin:
    name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)\n", line).groups()
    print(name, sorted(re.findall(r"\w+=\"(?:[^\"\\]|\\.)*\"", labels or "")), float(value))' | sort; }
diff <(series "$file") <(series "$dir/scraped") >&2 || fail 'not what the file says'
[ "$(series "$dir/scraped" | grep -c ' 621.0$')" = 3 ] || fail 'not the requests of three sources'
ok 'node_exporter serves each series as the file has it, names with quotes and backslashes too'

requests=$(jq -s 'map(select(.type == "summary").requests) | add' "$dir/events")
[ "$(grep '^httpmon_requests_total' "$dir/scraped" | awk '{ n += $NF } END { print n }')" = "$requests" ] || fail "not $requests requests"
grep -q '^httpmon_alerts_total{name="high_traffic",source="/var/log/a.csv"} 1$' "$dir/scraped" || fail 'no alert'
grep -q '^httpmon_alerting{source="/var/log/a.csv"} 0$' "$dir/scraped" || fail 'not recovered'
ok 'the totals are those of the log'

mandoc -T utf8 -O width=100 man/httpmon-prometheus.1 | sed 's/.\x08//g' |
    awk '/^ *groups:$/ { found = 1 } /^[A-Z]/ { found = 0 } found' > "$dir/rules.yml"
promtool check rules "$dir/rules.yml" > "$dir/out" 2>&1 && grep -q '3 rules found' "$dir/out" || fail "rules: $(cat "$dir/out")"
ok "promtool accepts the manual's rules"
