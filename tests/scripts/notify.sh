#!/usr/bin/env bash
# httpmon-notify: who is told what and when, and what happens when telling goes wrong.
# shellcheck disable=SC2015,SC2016  # "A && B || fail" is meant; $(c) in a name is not to run
set -euo pipefail
scripts/need jq curl python3 mandoc timeout=coreutils pgrep=procps
# shellcheck source=tests/lib.sh
. tests/lib.sh

summary='{"type":"summary","source":"stdin","start":"2019-02-07T21:11:00Z","end":"2019-02-07T21:11:10Z","duration_seconds":10,"partial":false,"requests":0,"requests_per_second":0.0,"late":0,"future":0,"bytes":null,"status":null,"status_codes":null,"methods":null,"sections":null,"sections_other":null,"hosts":null,"hosts_other":null,"alerting":false,"malformed":0,"skipped":0}'
alert='{"type":"alert","source":"a \"b\" $(c).csv","time":"2019-02-07T21:12:36Z","name":"high_traffic","window_seconds":120,"requests":1206,"requests_per_second":10.05,"threshold":10.0,"message":"High traffic generated an alert - hits = 1206, triggered at 2019-02-07T21:12:36Z"}'
recovery='{"type":"recovery","source":"stdin","time":"2019-02-07T21:14:03Z","name":"high_traffic","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":1198,"requests_per_second":9.983333333333333,"threshold":10.0,"peak_requests":1619,"peak_time":"2019-02-07T21:12:59Z","message":"Recovered from high traffic - hits = 1198, recovered at 2019-02-07T21:14:03Z after 87 s"}'

told='cat >> "$0.in"; env | grep ^HTTPMON_ | sort >> "$0.env"; echo "told $HTTPMON_TYPE"'
printf '%s\n' "$summary" "$alert" "$summary" "$recovery" > "$dir/events"
httpmon-notify sh -c "$told" "$dir/told" < "$dir/events" > "$dir/out" 2> "$dir/err"
cmp "$dir/events" "$dir/out" || fail 'the stream was changed'
ok 'every line is passed on unchanged'
printf '%s\n' "$alert" "$recovery" | cmp - "$dir/told.in" || fail 'not the events on standard input'
ok 'the command runs once per alert and recovery, in order, the event on its standard input'
printf 'told alert\ntold recovery\n' | cmp - "$dir/err" || fail "$(cat "$dir/err")"
ok 'what the command prints goes to standard error'
cat > "$dir/expected" <<'ENV'
HTTPMON_MESSAGE=High traffic generated an alert - hits = 1206, triggered at 2019-02-07T21:12:36Z
HTTPMON_NAME=high_traffic
HTTPMON_REQUESTS=1206
HTTPMON_REQUESTS_PER_SECOND=10.05
HTTPMON_SOURCE=a "b" $(c).csv
HTTPMON_THRESHOLD=10
HTTPMON_TIME=2019-02-07T21:12:36Z
HTTPMON_TYPE=alert
HTTPMON_WINDOW_SECONDS=120
ENV
head -n 9 "$dir/told.env" | sed 's/^HTTPMON_THRESHOLD=10[.]0$/HTTPMON_THRESHOLD=10/' | LC_ALL=C sort |
    diff "$dir/expected" - >&2 || fail 'not the fields of the alert'
grep -qx HTTPMON_DURATION_SECONDS=87 "$dir/told.env" || fail 'not the fields of the recovery'
ok 'the fields are in the environment, whatever is in them'

{
    printf 'no event\n%s\n' "$alert"
    printf '\xff\x00{\n[]\nnull\n\n{"type":5}\n{"type":"forecast","source":1}\n'
    printf '{"type":"alert","source":null,"flag":false,"list":[1],"w\303\266rd":"x\\u0000y\\nz"}\n'
    printf '{"type":"recovery","sour'
} > "$dir/events"
rm "$dir"/told.*
httpmon-notify sh -c "$told" "$dir/told" < "$dir/events" > "$dir/out" 2> "$dir/err"
cmp "$dir/events" "$dir/out" || fail 'broken lines were changed'
[ "$(grep -c '^httpmon-notify: not an event: ' "$dir/err")" = 6 ] || fail "reported: $(cat "$dir/err")"
[ "$(grep -c '^told alert$' "$dir/err")" = 2 ] || fail 'not two alerts'
ok 'broken lines are passed on and reported one by one, unknown types just passed on'
grep -qx 'HTTPMON_SOURCE=' "$dir/told.env" && grep -qx 'HTTPMON_FLAG=false' "$dir/told.env" || fail 'null or false'
! grep -q LIST "$dir/told.env" || fail 'a list in the environment'
ok 'null is empty, and new plain fields are there too'

printf '%s\n' "$alert" "$recovery" > "$dir/events"
status=0
httpmon-notify --retry 0 sh -c 'exit 3' < "$dir/events" > "$dir/out" 2> "$dir/err" || status=$?
[ "$status" = 1 ] || fail "status $status"
cmp "$dir/events" "$dir/out" || fail 'the stream stopped'
[ "$(grep -c '^httpmon-notify: sh: status 3: {"type":"' "$dir/err")" = 2 ] || fail "$(cat "$dir/err")"
ok 'a command that fails is reported and does not stop the stream, and the status says that nobody was told'
httpmon-notify sh -c '[ -e "$0.up" ] || { touch "$0.up"; exit 7; }; echo "$HTTPMON_TYPE" >> "$0.told"' "$dir/once" < "$dir/events" > "$dir/out" 2> "$dir/err" || fail "status $?"
printf 'alert\nrecovery\n' | cmp - "$dir/once.told" || fail "$(cat "$dir/err")"
grep -q '^httpmon-notify: sh: status 7, again in 1 s: {"type":"alert"' "$dir/err" && [ "$(wc -l < "$dir/err")" = 1 ] || fail "$(cat "$dir/err")"
ok 'a command that fails once is run again, and what comes after it is told after it'
started=$SECONDS
printf '%s\n' "$alert" "$summary" |
    httpmon-notify --retry 0 --timeout 1 sh -c 'sleep 300; :' > "$dir/out" 2> "$dir/err" || :
[ $((SECONDS - started)) -lt 60 ] || fail 'hangs with the command'
[ "$(wc -l < "$dir/out")" = 2 ] || fail 'the stream stopped'
[ "$(grep -c '^httpmon-notify: sh: ended after 1 s: ' "$dir/err")" = 1 ] || fail "$(cat "$dir/err")"
ok 'a command that hangs is ended after its time, and so are its children'
printf '%s\n' "$alert" | httpmon-notify --retry 0 --timeout=1s sh -c 'trap "" TERM; while :; do sleep 1; done' > "$dir/out" 2> "$dir/err" || :
[ "$(cut -d '{' -f 1 "$dir/err")" = 'httpmon-notify: sh: killed after 3 s: ' ] || fail "$(cat "$dir/err")"
ok 'one that ignores that is killed'

# What is remembered.
tell=(httpmon-notify --state "$dir/state" sh -c 'echo "$HTTPMON_TYPE" >> "$0"' "$dir/remembered")
"${tell[@]}" < "$dir/events" > "$dir/out" 2> "$dir/err"
[ ! -e "$dir/remembered" ] && [ -e "$dir/state" ] || fail 'events of long ago were told'
"${tell[@]}" < "$dir/events" > "$dir/out" 2> "$dir/err"
[ ! -e "$dir/remembered" ] || fail 'events of long ago were told after a restart'
ok 'when the state is new, what is long past is not told, and not after a restart either'
: > "$dir/state"
printf '%s\n' "$alert" | "${tell[@]}" > "$dir/out"
"${tell[@]}" < "$dir/events" > "$dir/out"
"${tell[@]}" < "$dir/events" > "$dir/out"
cmp "$dir/events" "$dir/out" || fail 'what was told was not passed on'
printf 'alert\nrecovery\n' | cmp - "$dir/remembered" || fail "$(cat "$dir/remembered")"
ok 'what was told is not told again, and what came while it was down is told when it is up'
truncate -s -3 "$dir/state"
"${tell[@]}" < "$dir/events" > "$dir/out"
"${tell[@]}" < "$dir/events" > "$dir/out"
printf 'alert\nrecovery\nrecovery\n' | cmp - "$dir/remembered" || fail "$(cat "$dir/remembered")"
ok 'a torn state costs that the last one is told twice'
sed 's/high_traffic/high_errors/' "$dir/events" > "$dir/errors"
"${tell[@]}" < "$dir/errors" > "$dir/out"
[ "$(wc -l < "$dir/remembered")" = 5 ] || fail 'another alert of the same second'
ok 'alerts of another name are others'
for _ in $(seq 25000); do echo '["alert", "x", "y", "z"]'; done > "$dir/state"
"${tell[@]}" < "$dir/errors" > "$dir/out"
"${tell[@]}" < "$dir/errors" > "$dir/out"
[ "$(wc -l < "$dir/remembered")" = 7 ] && [ "$(wc -l < "$dir/state")" -lt 10100 ] || fail 'the state does not shrink'
ok 'the state does not grow for ever'
status=0
httpmon-notify --state "$dir/none/state" cat < "$dir/events" > "$dir/out" 2> "$dir/err" || status=$?
[ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] || fail 'a state that cannot be written'
: > "$dir/full"
{ printf '%s\n' "$alert" "$alert" | (ulimit -f 0 && httpmon-notify --state "$dir/full" cat) 2>&1 > /dev/null; } | cat > "$dir/err"
grep -q 'full: File too large; sent events are remembered' "$dir/err" && [ "$(grep -c '^{"type":"alert"' "$dir/err")" = 1 ] || fail "$(cat "$dir/err")"
ok 'a state that is full costs no notification'

mkfifo "$dir/repeated"
httpmon-notify --repeat 1s sh -c 'echo "$HTTPMON_TYPE" >> "$0"' "$dir/again" < "$dir/repeated" > /dev/null &
pid=$!
exec 9> "$dir/repeated"
printf '==> a <==\n%s\n\n' "${alert/a \\\"b\\\" \$(c).csv/stdin}" >&9
touch "$dir/again"
until_true 'an alert is told again and again' has_lines "$dir/again" 3
printf '%s\n' "$recovery" >&9
until_true 'the recovery is told' has "$dir/again" recovery
exec 9>&-
ends_with "$pid" 0 'repeated'
[ "$(tail -n 1 "$dir/again")" = recovery ] || fail 'told again after the recovery'
ok 'with --repeat an alert is told again until its recovery'

# What died is seen.
mkfifo "$dir/sleeping"
httpmon-notify sh -c 'exec sleep 300' < "$dir/sleeping" > /dev/null 2> "$dir/err" &
pid=$!
exec 9> "$dir/sleeping"
printf '%s\n' "$alert" >&9
command_runs() { child=$(pgrep -P "$pid" -x sleep); }
until_true 'the command runs' command_runs
kill -9 "$child"
until_true 'it is tried again' has "$dir/err" 'signal 9, again in 1 s'
{ kill -9 "$pid" && wait "$pid" || :; } 2> /dev/null
exec 9>&-
ok 'a command that is killed is run again'

# A filter that is still running: nothing may wait for its end.
mkfifo "$dir/pipe"
: > "$dir/out"
httpmon-notify sh -c "$told; until [ -e \"\$0.done\" ]; do sleep 0.05; done" "$dir/live" < "$dir/pipe" >> "$dir/out" 2> /dev/null &
pid=$!
exec 9> "$dir/pipe"
printf '%s\n' "$alert" >&9
until_true 'an alert is told while the stream is open' grep -qs '^{"type":"alert"' "$dir/live.in"
ok 'an alert is told at once'
printf '%s\n' "$summary" >&9
until_true 'a summary passes while a command runs' grep -q '^{"type":"summary"' "$dir/out"
ok 'a command that takes its time does not hold up the stream'
kill "$pid"
touch "$dir/live.done"
status=0
wait "$pid" || status=$?
exec 9>&-
[ "$status" = 143 ] || fail "status $status after SIGTERM"
ok 'SIGTERM ends it, when the command is done'

httpmon-notify cat < /dev/null > "$dir/out" 2>&1
[ ! -s "$dir/out" ] || fail 'something out of nothing'
ok 'an empty stream is none'
for _ in $(seq 20000); do printf '%s\n' "$summary"; done > "$dir/many"
{ httpmon-notify cat < "$dir/many" || printf 'status %s\n' $? >&2; } 2> "$dir/err" | head -n 1 > /dev/null
[ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
ok 'a reader that goes away is not an error'
status=0
printf '%s\n' "$alert" "$recovery" > "$dir/events"
httpmon-notify cat < "$dir/events" > /dev/full 2> "$dir/err" || status=$?
[ "$status" != 0 ] && grep -q 'No space left' "$dir/err" && grep -q '^{"type":"alert"' "$dir/err" || fail 'a full disk'
ok 'a full disk is an error, and the alerts are told all the same'

for arguments in '' '--timeout 0 cat' '--retry x cat' '--state' '--timeout x cat' '--timeout' '--colour cat' '/no/such/command' 'no-such-command'; do
    status=0
    # shellcheck disable=SC2086
    httpmon-notify $arguments < "$dir/events" > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] && [ ! -s "$dir/out" ] || fail "status $status for: $arguments"
done
httpmon-notify --help > "$dir/out"
[ "$(head -c 21 "$dir/out")" = 'usage: httpmon-notify' ] && [ "$(awk 'length > 79' "$dir/out")" = '' ] || fail 'help'
ok 'wrong usage is one line and status 2, --help is help'

# The recipes of the manual, as they stand there.
recipe() { # WORD: the commands of the manual's display that has the word
    mandoc -T utf8 -O width=100 man/httpmon-notify.1 | sed 's/.\x08//g' |
        awk -v word="$1" 'BEGIN { RS = "" } index($0, word) && /\| httpmon-notify|^ *httpmon-notify/ && !found++'
}
mkdir "$dir/bin"
printf '#!/bin/sh\nprintf "%%s|" "$@" >> "%s/mail"; cat >> "%s/mail"\n' "$dir" "$dir" > "$dir/bin/mail"
chmod +x "$dir/bin/mail"
recipe 'mail -s' | sed 's/^.*| *httpmon-notify/httpmon-notify/' > "$dir/recipe"
PATH=$dir/bin:$PATH bash -e "$dir/recipe" < "$dir/events" > "$dir/out" 2> "$dir/err" || fail "mail: $(cat "$dir/err")"
printf '%s\n' '-s|httpmon: alert on a "b" $(c).csv|ops@example.org|High traffic generated an alert - hits = 1206, triggered at 2019-02-07T21:12:36Z' '' \
    '-s|httpmon: recovery on stdin|ops@example.org|Recovered from high traffic - hits = 1198, recovered at 2019-02-07T21:14:03Z after 87 s' '' |
    diff - "$dir/mail" >&2 || fail 'not the mail of the manual'
ok "the manual's mail recipe hands subject and text to mail"

cat > "$dir/server.py" <<'PYTHON'
import http.server, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1] + "/posted", "ab") as file:
            file.write(self.headers["Content-Type"].encode() + b" " + body + b"\n")
        self.send_response(204 if self.path == "/hook" else 500)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
with open(sys.argv[1] + "/port", "w") as file:
    file.write(f"{server.server_port}\n")
server.serve_forever()
PYTHON
python3 "$dir/server.py" "$dir" &
until_true 'the local server listens' test -s "$dir/port"
recipe 'hooks.example.org' |
    sed "s/^.*| *httpmon-notify/httpmon-notify/; s/ >> .*//; s|https://hooks.example.org/[a-z]*|http://127.0.0.1:$(cat "$dir/port")/hook|" > "$dir/recipe"
bash -e "$dir/recipe" < "$dir/events" > "$dir/out" 2> "$dir/err" || fail "webhook: $(cat "$dir/err")"
[ ! -s "$dir/err" ] || fail "webhook: $(cat "$dir/err")"
sed 's/^/application\/json /' "$dir/events" | diff - "$dir/posted" >&2 || fail 'not what was to be posted'
ok "the manual's webhook recipe posts each event"
sed -i 's/hook$/broken/; s/--retry 5/--retry 1/' "$dir/recipe"
sed -i 's/httpmon-notify /httpmon-notify --retry 0 /' "$dir/recipe"
bash -e "$dir/recipe" < "$dir/events" > "$dir/out" 2> "$dir/err" || :
cmp "$dir/events" "$dir/out" || fail 'the stream stopped'
[ "$(grep -c '^httpmon-notify: curl: status 22: ' "$dir/err")" = 2 ] || fail "$(cat "$dir/err")"
ok 'a webhook that answers 500 is reported'
