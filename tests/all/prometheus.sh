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
    awk 'BEGIN { RS = "" } /^ *groups:\n/' > "$dir/rules.yml"
promtool check rules "$dir/rules.yml" > "$dir/out" 2>&1 && grep -q '6 rules found' "$dir/out" || fail "rules: $(cat "$dir/out")"
ok "promtool accepts the manual's rules"

# What the rules say when a site is quiet, and when the monitor is dead: the heartbeat stops at minute 60.
cat > "$dir/test.yml" <<'YAML'
rule_files: [rules.yml]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series:
      - {series: 'httpmon_heartbeat_timestamp_seconds{instance="web1"}', values: '0+30x120 3600x240'}
      - {series: 'httpmon_heartbeat_timestamp_seconds{instance="web2"}', values: '0+30x360'}
      - {series: 'httpmon_window_end_timestamp_seconds{instance="web1",source="a"}', values: '0+30x120 3600x240'}
      - {series: 'httpmon_window_end_timestamp_seconds{instance="web2",source="a"}', values: '0x360'}
      - {series: 'httpmon_alert_active{instance="web1",source="a",name="high_errors"}', values: '0x60 1x60 0x240'}
      - {series: 'node_systemd_unit_state{instance="web1",name="httpmon.service",state="active"}', values: '1x360'}
      - {series: 'node_systemd_unit_state{instance="web2",name="httpmon.service",state="active"}', values: '1x120 0x240'}
      - {series: 'httpmon_requests_total{instance="web2",source="a"}', values: '0+100x360'}
      - {series: 'httpmon_responses_total{instance="web2",source="a",class="5xx"}', values: '0+5x120 600+6x240'}
    alert_rule_test:
      - {eval_time: 59m, alertname: MonitorDead, exp_alerts: []}
      - {eval_time: 62m, alertname: MonitorDead, exp_alerts: []}
      - {eval_time: 65m, alertname: MonitorDead, exp_alerts: [{exp_labels: {instance: web1}}]}
      - {eval_time: 59m, alertname: SiteQuiet, exp_alerts: []}
      - {eval_time: 61m, alertname: SiteQuiet, exp_alerts: [{exp_labels: {instance: web2, source: a}}]}
      - {eval_time: 170m, alertname: SiteQuiet, exp_alerts: [{exp_labels: {instance: web2, source: a}}]}
      - {eval_time: 29m, alertname: HttpTraffic, exp_alerts: []}
      - {eval_time: 40m, alertname: HttpTraffic, exp_alerts: [{exp_labels: {instance: web1, source: a, name: high_errors}}]}
      - {eval_time: 50m, alertname: ServerErrors, exp_alerts: []}
      - {eval_time: 80m, alertname: ServerErrors, exp_alerts: [{exp_labels: {instance: web2, source: a}}]}
      - {eval_time: 100m, alertname: MonitorMissing, exp_alerts: []}
      - {eval_time: 59m, alertname: ServiceStopped, exp_alerts: []}
      - {eval_time: 64m, alertname: ServiceStopped, exp_alerts: [{exp_labels: {instance: web2, name: httpmon.service, state: active}}]}
  - interval: 30s
    input_series: [{series: 'up{instance="web1"}', values: '1x20'}]
    alert_rule_test:
      - {eval_time: 2m, alertname: MonitorMissing, exp_alerts: []}
      - {eval_time: 4m, alertname: MonitorMissing, exp_alerts: [{exp_labels: {}}]}
YAML
(cd "$dir" && promtool test rules test.yml > out 2>&1) || fail "rules: $(cat "$dir/out")"
ok 'a quiet site is told from a dead monitor, whose death is told within 300 s'
