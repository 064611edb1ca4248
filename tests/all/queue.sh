#!/usr/bin/env bash
# Live logs of two servers through a real Redis and a real mosquitto, to one httpmon: as one stream and apart;
# with consumers and brokers killed in the middle.
set -euo pipefail
scripts/need python3 redis-server redis-cli=redis-tools mosquitto mosquitto_pub=mosquitto-clients setsid=util-linux pkill=procps jq
# shellcheck source=tests/lib.sh
. tests/lib.sh

chains=() # each a process group of its own
end_chains() {
    local chain
    for chain in "${chains[@]}"; do kill -9 -- "-$chain" 2> /dev/null || true; done
    clean_up
}
trap end_chains EXIT
chain() { # COMMAND: a pipe that can be killed as a whole; sets $chain
    dir=$dir setsid bash -c "set -o pipefail; cd \"\$dir\"; $1" &
    chain=$!
    chains+=("$chain")
}
is_open() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; } # PORT

redis_port=$(free_port)
start_redis() {
    redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$dir" --appendonly yes --save '' > "$dir/redis.log" &
    redis=$!
    until_true 'Redis answers' redis-cli -p "$redis_port" ping > /dev/null 2>&1
}
start_redis
at_redis="--redis 127.0.0.1:$redis_port"


# Two servers, live: a record says the second in which it is written. Quiet, busy, quiet.
: > "$dir/web1.csv"
: > "$dir/web2.csv"
serve() {
    exec python3 - "$dir" << 'PYTHON'
import sys, time

logs = [open(f"{sys.argv[1]}/web{server}.csv", "a", buffering=1) for server in (1, 2)]
start, number = time.time(), 0
while (passed := time.time() - start) < 26:
    # So many by now, however often this loop runs: 10 a second, 40 from second 9 to 16.
    while number < 10 * passed + 30 * min(max(passed - 9, 0), 7):
        number += 1
        logs[number * 7 // 4 % 2].write(f'10.0.0.{number % 9},-,-,{int(time.time())},"GET /s{number % 5}/{number} HTTP/1.1",200,{number}\n')
    time.sleep(0.1)
for server, log in enumerate(logs):
    log.write(f'10.0.0.1,-,-,{int(time.time())},"GET /end/{server} HTTP/1.1",200,1\n')
PYTHON
}
serve &
servers=$!
for server in web1 web2; do
    chain "tail -n +1 -F $server.csv 2> /dev/null | httpmon-redis send $at_redis $server 2>> send.err"
done
# Without an idle timeout: what is held up while Redis is away is no silence.
options='-i 2 -w 4 -t 20 --idle-timeout 0'
consume_one() { chain "httpmon-redis receive $at_redis --window 4 --skew 1 one.ndjson 2>> one.err | tee one.raw | httpmon $options | httpmon-append one.ndjson > /dev/null"; }
consume_apart() { chain "httpmon-redis receive $at_redis --apart --window 4 --skew 1 apart.ndjson 2>> apart.err | tee apart.raw | httpmon -i 2 -w 4 -t 9 --idle-timeout 0 | httpmon-append apart.ndjson > /dev/null"; }
consume_one
one=$chain
consume_apart
apart=$chain

until_true 'an alert comes' has "$dir/one.ndjson" '"type":"alert"'
until_true 'a summary says so' has "$dir/one.ndjson" '"alerting":true'
until_true 'an alert of one source comes' has "$dir/apart.ndjson" '"type":"alert"'
{
    kill -9 -- "-$one" "-$apart"
    wait "$one" "$apart" || true
} 2> /dev/null
printf '{"type":"summary","torn' >> "$dir/one.ndjson" # as a kill can leave it
had=$(grep -c '}$' "$dir/one.ndjson")

{
    kill -9 "$redis"
    wait "$redis" || true
} 2> /dev/null
consume_one
one=$chain
consume_apart
apart=$chain
until_true 'the senders notice' has "$dir/send.err" 'trying again'
until_true 'the consumers notice' has "$dir/one.err" 'trying again'
start_redis

ends_with "$servers" 0 'the servers'
all=$(cat "$dir/web1.csv" "$dir/web2.csv" | wc -l)
has_all() { [ "$(redis-cli -p "$redis_port" xlen httpmon)" -ge "$all" ]; }
until_true 'all lines are in the stream' has_all
[ "$(redis-cli -p "$redis_port" xlen httpmon)" -eq "$all" ] || fail 'there are more lines in the stream than in the logs'
for server in web1 web2; do
    # shellcheck disable=SC2086
    [ "$(httpmon-redis sent $at_redis $server)" -eq "$(wc -l < "$dir/$server.csv")" ] || fail "$server: not all are sent"
done
ok "Redis killed and started again: each of $all lines is in the stream once"

redis-cli -p "$redis_port" --json xrange httpmon - + | jq -r '.[][1] | "\(.[1])\t\(.[3])"' > "$dir/stream"
cut -f 2 "$dir/stream" > "$dir/lines"
for server in web1 web2; do
    sed -n "s/^$server\t//p" "$dir/stream" > "$dir/lines.$server"
    same_bytes "$server: the lines in the stream" "$dir/$server.csv" "$dir/lines.$server"
done
last=$(tail -n 1 "$dir/lines")
for consumer in one apart; do until_true 'all is read' has "$dir/$consumer.raw" "$last"; done
for group in "$one" "$apart"; do
    pkill -g "$group" -f 'httpmon-redis receive'
    until_true 'the consumers end' is_gone "$group"
done

# shellcheck disable=SC2086
httpmon $options < "$dir/lines" > "$dir/expected"
same_bytes 'one stream' "$dir/expected" "$dir/one.ndjson"
grep -q '"type":"recovery"' "$dir/expected" || fail 'no recovery'
ok "a consumer killed while an alert was on, after $had events: the file of events is that of one run"

for server in web1 web2; do
    httpmon -i 2 -w 4 -t 9 --source "$server" < "$dir/lines.$server" > "$dir/expected"
    grep -F "\"source\":\"$server\"" "$dir/apart.ndjson" > "$dir/got"
    diff <(jq -c 'del(.skipped)' "$dir/expected") <(jq -c 'del(.skipped)' "$dir/got") >&2 || fail "apart: $server"
done
ok 'the same for the sources apart'

# 725 s before the last summary: the window, the skew, and what httpmon-append needs. A torn event is passed over.
for second in 1000 4274 4276 5000; do redis-cli -p "$redis_port" xadd old "${second}000-0" source a line "line $second" > "$dir/id"; done
printf '{"type":"summary","sou%s\n' '{"type":"summary","source":"a","start":"1970-01-01T01:23:20Z","end":"1970-01-01T01:23:30Z","requests":5}' > "$dir/old.ndjson"
chain "httpmon-redis receive $at_redis --stream old --window 2m --skew 5s old.ndjson > old.raw"
until_true 'the last line comes' has "$dir/old.raw" 'line 5000'
[ "$(head -n 1 "$dir/old.raw")" = 'line 4276' ] || fail "it begins with: $(head -n 1 "$dir/old.raw")"
ok 'a consumer begins again a while before the last summary'
httpmon < tests/data/web1.csv 2> "$dir/err" > "$dir/expected"
for _ in 1 2; do httpmon-redis append "$dir/appended.ndjson" < "$dir/expected" > "$dir/out"; done
same_bytes 'append' "$dir/expected" "$dir/appended.ndjson"
[ ! -s "$dir/out" ] || fail 'append writes to standard output'
ok 'append appends each event once'
kill "$redis"

# MQTT: the broker keeps for a known client what comes while it is away, but what was read once is not to be had
# again. So the lines go to a file, and what is begun again is the reading of the file.
mqtt_port=$(free_port)
cat > "$dir/mosquitto.conf" << CONF
listener $mqtt_port 127.0.0.1
allow_anonymous true
persistence true
persistence_location $dir/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
CONF
[ "$(id -u)" -ne 0 ] || echo 'user root' >> "$dir/mosquitto.conf"
start_mosquitto() {
    mosquitto -c "$dir/mosquitto.conf" > "$dir/mosquitto.log" 2>&1 &
    mosquitto=$!
    until_true 'mosquitto answers' is_open "$mqtt_port"
}
stop() { # PID: asks a process to end, and waits for it
    kill "$1"
    wait "$1" 2> /dev/null || true
}
start_mosquitto
receive_mqtt() { # as a file for one stream, and one for the sources apart
    mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -q 1 -c -i one -t 'logs/#' >> "$dir/spool" 2>> "$dir/sub.err" &
    subs=("$!")
    mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -q 1 -c -i apart -t 'logs/#' -F $'==> %t <==\n%p' >> "$dir/spool.apart" 2>> "$dir/sub.err" &
    subs+=("$!")
}
knows() { has "$dir/mosquitto.log" "as $1 "; } # CLIENT
send_mqtt() { # FROM TO: lines of both logs; ends when the broker has them
    local server
    for server in web1 web2; do
        sed -n "$1,$2p" "$dir/$server.csv" | mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -q 1 -i "$server" -t "logs/$server" -l
    done
}
receive_mqtt
until_true 'the first client is known' knows one
until_true 'the second client is known' knows apart
mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -E -i probe -t x # by now the others' subscriptions have been made
send_mqtt 1 50
until_true 'the first lines come' has "$dir/spool.apart" "$(sed -n 50p "$dir/web2.csv")"
until_true 'the first lines come' has "$dir/spool" "$(sed -n 50p "$dir/web2.csv")"
for sub in "${subs[@]}"; do stop "$sub"; done
send_mqtt 51 100
stop "$mosquitto"
start_mosquitto
send_mqtt 101 150
receive_mqtt
for spool in spool spool.apart; do until_true 'what was kept comes' has "$dir/$spool" "$(sed -n 150p "$dir/web2.csv")"; done
stop "$mosquitto"
start_mosquitto
send_mqtt 151 '$'
for spool in spool spool.apart; do until_true 'the rest comes' has "$dir/$spool" "$(tail -n 1 "$dir/web2.csv")"; done
for sub in "${subs[@]}"; do stop "$sub"; done
stop "$mosquitto"
sort "$dir/lines" > "$dir/expected"
sort -u "$dir/spool" > "$dir/got"
same_bytes 'MQTT, one stream' "$dir/expected" "$dir/got"
twice=$(($(wc -l < "$dir/spool") - all))
for server in web1 web2; do
    awk -v name="logs/$server" '/^==> / { source = $2; next } source == name && !seen[$0]++' "$dir/spool.apart" > "$dir/got"
    sort "$dir/got" > "$dir/got.sorted"
    sort "$dir/$server.csv" > "$dir/expected"
    same_bytes "MQTT, $server" "$dir/expected" "$dir/got.sorted"
    [ "$(httpmon < "$dir/spool.apart" | grep -c "\"source\":\"logs/$server\"")" -gt 0 ] || fail "MQTT: no events of $server"
done
ok "mosquitto: the consumers away, then the broker started anew, twice: no line is lost, as one stream and apart; $twice came twice"
