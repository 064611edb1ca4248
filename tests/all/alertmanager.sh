#!/usr/bin/env bash
# The manual's recipe for Alertmanager, run against a real one.
# shellcheck disable=SC2015,SC2016  # "A && B || fail" is meant; $(c) in a name is not to run
set -euo pipefail
scripts/need jq curl python3 mandoc prometheus-alertmanager unshare=util-linux hostname
# shellcheck source=tests/lib.sh
. tests/lib.sh

port=$(free_port)
printf 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n' > "$dir/config.yml"
prometheus-alertmanager --config.file="$dir/config.yml" --storage.path="$dir/data" --cluster.listen-address= \
    --web.listen-address="127.0.0.1:$port" > "$dir/log" 2>&1 &
alertmanager=$!
api=http://127.0.0.1:$port/api/v2
answers() {
    ! is_gone "$alertmanager" || fail "it ended: $(cat "$dir/log")"
    curl -fs "$api/status" > "$dir/status"
}
until_true 'it answers' answers

mandoc -T utf8 -O width=100 man/httpmon-notify.1 | sed 's/.\x08//g' |
    awk 'BEGIN { RS = "" } /alertname/' > "$dir/recipe"
grep -q 'http://localhost:9093/api/v2/alerts' "$dir/recipe" || fail 'the manual has no such recipe'
sed -i "s/^.*httpmon-follow -q events.ndjson | //; s|http://localhost:9093|http://127.0.0.1:$port|; s|--state told|--retry 0 --state $dir/told|" "$dir/recipe"
grep -q '^httpmon-explain' "$dir/recipe" || fail "not the recipe: $(cat "$dir/recipe")"

# Traffic of this minute: Alertmanager compares with the clock.
now=$(date +%s)
{
    printf '==> a "b" $(c).csv <==\n'
    for _ in $(seq 110); do printf '%s,h,"GET / HTTP/1.1",200,1\n' $((now - 60)); done
    printf '%s,h,"GET / HTTP/1.1",200,1\n' $((now - 55))
} > "$dir/busy.csv"
{ cat "$dir/busy.csv"; printf '%s,h,"GET / HTTP/1.1",200,1\n' $((now - 30)) $((now - 20)); } > "$dir/calm.csv"
run() { # LOG MACHINE
    rm -f "$dir/told"
    httpmon --columns time,host,request,status,bytes --window 10 < "$1" > "$dir/events"
    unshare --uts bash -c 'hostname "$1"; exec bash -e "$2"' - "$2" "$dir/recipe" < "$dir/events" > "$dir/out" 2> "$dir/err" ||
        fail "$(cat "$dir/err")"
    ! grep '^httpmon-notify' "$dir/err" >&2 || fail 'the command failed'
}
alerts_are() { # JQ-PROGRAM
    curl -fsS "$api/alerts" > "$dir/alerts"
    jq -e "$1" "$dir/alerts" > /dev/null
}
run "$dir/busy.csv" web1
until_true 'an active alert' alerts_are 'length == 1 and .[0].status.state == "active"'
jq -e --argjson now "$now" '.[0] | .labels == {alertname: "high_traffic", source: "a \"b\" $(c).csv", job: "httpmon", instance: "web1"}
    and (.annotations.summary | startswith("High traffic generated an alert - hits = 110"))
    and (.annotations.description | test("^[0-9]+ of [0-9]+ requests in /, [0-9]+ requests of h$"))
    and (.startsAt | sub("[.].*"; "Z") | fromdate) == $now - 60 and (.endsAt | sub("[.].*"; "Z") | fromdate) > $now + 200' \
    "$dir/alerts" > /dev/null || fail "$(cat "$dir/alerts")"
ok 'an alert is active in Alertmanager, with its labels, its sentence and the time of the log'
run "$dir/busy.csv" web2
until_true 'two alerts' alerts_are 'length == 2'
ok 'the alerts of two machines, whose logs have the same name, are two'
run "$dir/calm.csv" web1
until_true 'one is left' alerts_are 'length == 1 and .[0].labels.instance == "web2"'
ok 'the recovery of one does not end the alert of the other'
run "$dir/calm.csv" web2
until_true 'no alert' alerts_are 'length == 0'
ok 'a recovery resolves it'

status=0
kill "$alertmanager"
wait "$alertmanager" || :
httpmon --columns time,host,request,status,bytes --window 10 < "$dir/busy.csv" > "$dir/events"
rm "$dir/told"
bash -e "$dir/recipe" < "$dir/events" > "$dir/out" 2> "$dir/err" || status=$?
[ "$status" = 1 ] && [ "$(wc -l < "$dir/events")" = "$(wc -l < "$dir/out")" ] && grep -q '^httpmon-notify: sh: status 7: ' "$dir/err" ||
    fail "status $status: $(cat "$dir/err")"
ok 'an Alertmanager that is away is reported, and the stream goes on'
