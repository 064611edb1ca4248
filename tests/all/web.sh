#!/usr/bin/env bash
# httpmon-web in a real browser: the page shows the numbers of the log, reads only, and asks nobody else.
set -euo pipefail
scripts/need chromium curl jq sqlite3 python3 flock=util-linux setpriv=util-linux pgrep=procps awk=mawk
python3 -c 'import ensurepip' 2> /dev/null || scripts/need ensurepip=python3-venv 2> /dev/null || true
# shellcheck source=tests/lib.sh
. tests/lib.sh
export XDG_CACHE_HOME=$dir/cache
db="$dir/a store? 100% #1.db" # a name must not matter
same() { # WHAT GOT EXPECTED: sorted lines
    [ -s "$3" ] || fail "nothing expected: $1"
    diff -u <(sort "$3") <(sort "$2") >&2 || fail "$1"
    ok "$1"
}
query() { sqlite3 -cmd '.timeout 60000' "$db" "$1"; }
serve() { # FILE OPTION...: sets server and url
    httpmon-web --port 0 "${@:2}" "$1" 2> "$dir/err" &
    server=$!
    kindly+=("$server")
    for _ in $(seq 2400); do
        url=$(grep -o 'http://.*' "$dir/err" || true)
        [ -z "$url" ] || return 0
        kill -0 "$server" 2> /dev/null || fail "does not start: $(cat "$dir/err" "$dir"/cache/httpmon/*.log)"
        sleep 0.25
    done
    fail "does not start in ten minutes: $(cat "$dir/err")"
}
stop() {
    kill "$server"
    wait "$server" || true
}
browse() { # QUERY MILLISECONDS: leaves dom, console and net
    rm -rf "$dir/profile"
    timeout 300 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --user-data-dir="$dir/profile" \
        --virtual-time-budget="${2:-30000}" --enable-logging=stderr --log-net-log="$dir/net" \
        --dump-dom "$url?$1" > "$dir/dom" 2> "$dir/console" || fail "chromium: status $?: $(tail -n 5 "$dir/console")"
    if grep CONSOLE "$dir/console" | grep -v '"WARN ' >&2; then fail "errors on the page with \"$1\""; fi
    tr '\n' ' ' < "$dir/dom" | grep -o 'aria-label="[^"]*"' | sed 's/^aria-label="//; s/"$//' > "$dir/labels"
    jq -r '.events[].params | select(.initiator? // "" | startswith("http")) | .url? // empty' "$dir/net" |
        sort -u > "$dir/asked"
}
pick() { # NAME...: those values of every mark that has all of them
    awk -v names="$*" 'BEGIN { n = split(names, name, ",") } {
        split("", value)
        for (i = split($0, parts, "; "); i > 0; i--) {
            at = index(parts[i], ": ")
            value[substr(parts[i], 1, at - 1)] = substr(parts[i], at + 2)
        }
        line = ""
        for (i = 1; i <= n; i++) {
            if (!(name[i] in value)) next
            line = line (i > 1 ? "|" : "") value[name[i]]
        }
        print line
    }' "$dir/labels" > "$dir/got"
}
tile() { tr '\n' ' ' < "$dir/dom" | grep -o "id=\"chart-$1\"[^§]*" | sed 's/<\/div>.*//; s/<[^>]*>/ /g; s/.*> *//' | xargs; }
is() { # TILE EXPECTED
    [ "$(tile "$1")" = "$2" ] || fail "$1 is shown as \"$(tile "$1")\" and should be \"$2\""
}

mkdir "$dir/pins"
sed -n '/^idna/,/^[a-z]/p' scripts/httpmon-web.pins | sed '$d; s/sha256:...../sha256:00000/' > "$dir/pins/idna.pins"
grep -q 'sha256:00000' "$dir/pins/idna.pins" || fail 'no pins with hashes'
# shellcheck source=scripts/httpmon-venv.sh
if (. scripts/httpmon-venv.sh && XDG_CACHE_HOME=$dir/pins make_venv httpmon-web idna "$dir/pins/idna.pins" 2> "$dir/err"); then
    fail 'a package is installed whose hash is another'
fi
grep -q 'could not install idna' "$dir/err" || fail "another hash: $(cat "$dir/err")"
grep -qi 'hashes' "$dir"/pins/httpmon/*.log || fail "another hash: $(cat "$dir"/pins/httpmon/*.log)"
ok 'a package whose hash is another is not installed'

httpmon < tests/data/access.csv 2> /dev/null | httpmon-store "$db"
serve "$db"
grep -q "^httpmon-web: installing Datasette in $dir/cache" "$dir/err" || fail 'does not say that it installs'
[ "$(wc -l < "$dir/err")" -eq 2 ] || fail "not quiet: $(cat "$dir/err")"
ok 'the virtual environment is made at the first start'

browse last=all
pick 'from,requests,requests per second'
query "select strftime('%Y-%m-%d %H:%M:%S', start_at, 'unixepoch'), requests, printf('%.2f', requests_per_second) from windows" > "$dir/expected"
same 'requests per second are drawn as the log has them' "$dir/got" "$dir/expected"
pick 'since,alert,source' # each is an area and a line
query "select strftime('%Y-%m-%d %H:%M:%S', since, 'unixepoch'), name, source from alert_periods, (values (1), (2))" > "$dir/expected"
same 'alerts are marked where they were' "$dir/got" "$dir/expected"
pick 'alert threshold'
query "select distinct cast(threshold as integer) from alerts where type = 'alert'" > "$dir/expected"
same 'the threshold is a line' "$dir/got" "$dir/expected"
pick 'from,status,responses'
query "select strftime('%Y-%m-%d %H:%M:%S', start_at, 'unixepoch'), '500', code_500 from server_errors
    union all select strftime('%Y-%m-%d %H:%M:%S', start_at, 'unixepoch'), 'other 5xx', server_errors - code_500 from server_errors" > "$dir/expected"
same '500s and other server errors are drawn as the log has them' "$dir/got" "$dir/expected"
pick 'class,number'
awk -F '|' '{ n[$1] += $2 } END { for (c in n) print c "|" n[c] }' "$dir/got" > "$dir/sums" && mv "$dir/sums" "$dir/got"
query "select '2xx', sum(status_2xx) as n from summaries union all select '3xx', sum(status_3xx) from summaries
    union all select '4xx', sum(status_4xx) from summaries union all select '5xx', sum(status_5xx) from summaries
    union all select '1xx, other', nullif(sum(status_1xx + status_other), 0) from summaries" | grep -v '|$' > "$dir/expected"
same 'status classes add up' "$dir/got" "$dir/expected"
pick 'name,requests,server errors' # each is a bar of requests, one of errors, and the number as text
sed 's/,//g' "$dir/got" | sort -u > "$dir/once" && mv "$dir/once" "$dir/got"
for list in section host; do
    query "select $list, sum(requests), sum(server_errors) from ${list}s group by 1 order by 2 desc, 1 limit 10"
done > "$dir/expected"
same 'top sections and hosts are drawn as the log has them' "$dir/got" "$dir/expected"
tr '\n' ' ' < "$dir/dom" | grep -o '<td>[0-9]*-[0-9]*-[0-9]* [^<]*</td><td>[0-9]*-[0-9]*-[^<]*</td>' | sed 's/<[^>]*>/ /g; s/  */ /g' > "$dir/got"
query "select ' ' || strftime('%Y-%m-%d %H:%M:%S', since, 'unixepoch') || ' ' || strftime('%Y-%m-%d %H:%M:%S', until, 'unixepoch') || ' ' from alert_periods" > "$dir/expected"
same 'alerts are listed' "$dir/got" "$dir/expected"
is requests "$(query "select printf('%,d', sum(requests)) from summaries")"
is errors "$(query "select printf('%,d %.2f %%', sum(status_5xx), sum(status_5xx) * 100.0 / sum(requests)) from summaries")"
is mean "$(query "select printf('%.2f', sum(requests) * 1.0 / sum(seconds)) from windows")"
is peak "$(query "select printf('%.2f', max(requests_per_second)) from windows")"
is alerted "$(query "select printf('%d min %d s %d alert', sum(seconds) / 60, sum(seconds) % 60, count(*)) from alert_periods")"
is slow –
tile state > "$dir/state"
grep -q "^Not current as of $(query "select strftime('%Y-%m-%d %H:%M:%S', max(end_at), 'unixepoch') from summaries") UTC, [0-9]* days ago: no requests since" "$dir/state" ||
    fail "an old log: $(cat "$dir/state")"
grep -q 'class="state stale"' "$dir/dom" || fail 'an old log is not amber'
ok 'the totals above the charts are those of the log'
if grep -v "^${url%/-/*}/" "$dir/asked" >&2; then fail 'the page asks others'; fi
[ "$(grep -c 'httpmon.json' "$dir/asked")" -ge 10 ] || fail 'the browser logged no requests of the page'
ok 'the page fetches nothing from elsewhere'

# A second source, of a hostile name, while the page is served.
# shellcheck disable=SC2016
evil='<img src=x onerror=alert(1)>"; drop table summaries;--'
httpmon --source "$evil" --threshold 0.1 < tests/data/web1.csv 2> /dev/null | httpmon-store "$db"
# Names that a client chooses: its host, if it is looked up, and the section.
at=$(sed -n '2s/.*,\([0-9]\{10\}\),.*/\1/p' tests/data/web1.csv)
# shellcheck disable=SC2016 # as it is
for name in '<img src=x onerror=alert(2)>' '</script><script>alert(3)</script>' "'-alert(4)-'" '{{7*7}}' '${alert(5)}' 'javascript:alert(6)' '<svg onload=alert(7)>'; do
    for _ in {1..900}; do printf '%s,-,-,%s,"GET /%s HTTP/1.1",500,5\n' "$name" "$at" "${name//\//}"; done
done | httpmon --source clients --threshold 1 -e 1 2> /dev/null | httpmon-store "$db"
total() { query "select printf('%,d', sum(requests)) from summaries where source = '$1'"; }
browse last=all
is requests "$(query "select printf('%,d', sum(requests)) from summaries")"
if grep -iE '<img|<svg onload|<script>alert|/49' "$dir/dom" >&2; then fail 'a name became HTML'; fi
for name in '&lt;svg onload=alert(7)&gt;' '{{7*7}}' '&lt;/script&gt;&lt;script&gt;alert(3)'; do
    grep -qF "$name" "$dir/dom" || fail "a hostile host is not shown: $name"
done
if grep -i 'javascript.*dialog\|alert(' "$dir/console" >&2; then fail 'a name was run'; fi
curl -s "$url?last=all&source=%22%3E%3Cimg%20src=x%20onerror=alert(8)%3E&from=%3Csvg%20onload=alert(9)%3E&to=</script><script>alert(10)" > "$dir/answer"
grep -q 'alert(9)' "$dir/answer" || fail 'what was asked for is not on the page'
if grep -iE '<img src|<svg onload|<script>alert' "$dir/answer" >&2; then fail 'what is asked for became HTML'; fi
[ -n "$(query "select 1 from alerts where source like '<img%'")" ] || fail 'no alert of the hostile source'
grep -q '&lt;img src=x' "$dir/dom" || fail 'the hostile source is not shown'
ok 'what comes in is on the next page, several sources are summed, and names stay text'
browse 'last=all&source=stdin'
is requests "$(total stdin)"
ok 'one source can be chosen'
middle=$(query "select strftime('%Y-%m-%d %H:%M', avg(start_at), 'unixepoch') from summaries where source = 'stdin'")
browse "source=stdin&from=$(jq -rn --arg t "$middle" '$t | @uri')&last=all"
is requests "$(query "select printf('%,d', sum(requests)) from summaries where source = 'stdin' and start_at >= strftime('%s', '$middle')")"
browse "source=stdin&to=$(jq -rn --arg t "$middle" '$t | @uri')&last=all"
is requests "$(query "select printf('%,d', sum(requests)) from summaries where source = 'stdin' and start_at < strftime('%s', '$middle')")"
ok 'a period can be chosen'

status() { curl -s -o "$dir/answer" -w '%{http_code}' "$@"; }
base=${url%/-/*}
[ "$(status "$base/")" = 302 ] || fail "/ does not lead to the page"
for path in /httpmon /httpmon/summaries /httpmon/summaries.json /-/settings.json /-/dashboards /httpmon.db '/httpmon.json?sql=select+1' \
    '/httpmon.json?sql=select%201&sql=select%201' /httpmon.json; do
    [ "$(status "$base$path")" = 403 ] || fail "$path is served without --sql: $(head -c 200 "$dir/answer")"
done
jq -r '[.events[].params.url? // empty | select(test("httpmon\\.json[?]sql="))][0]' "$dir/net" > "$dir/own"
[ "$(status "$(cat "$dir/own")")" = 200 ] || fail "the page's own query is refused"
[ "$(status -L "$base/-/dashboards/httpmon/..%2f..%2fhttpmon")" = 404 ] || fail "a path that leads up: $(head -c 200 "$dir/answer")"
[ "$(status --path-as-is "$base/-/static/../../../../../../../../etc/passwd")" = 404 ] || fail 'a file outside is served'
own=$(cat "$dir/own")
for more in '&_where=1' '&_where=' '&_size=max' '&sql=select+1' '&sql='; do
    [ "$(status "$own$more")" = 403 ] || fail "the page's own query is served with $more"
done
[ "$(status "${own/\?sql=/?sql=&sql=}")" = 403 ] || fail "an empty query before the page's own one: $(head -c 200 "$dir/answer")"
for method in POST PUT DELETE OPTIONS; do
    [ "$(status -X "$method" "$url?last=day")" = 405 ] || fail "$method is answered"
done
ok 'without --sql the page and its own queries are served, and nothing else'
fetch=(-H 'Sec-Fetch-Site: cross-site' -H 'Origin: https://evil.example')
[ "$(status "${fetch[@]}" -H 'Sec-Fetch-Mode: no-cors' "$own")" = 403 ] || fail 'another site may ask behind its visitor'
[ "$(status "${fetch[@]}" -H 'Sec-Fetch-Mode: cors' "$own")" = 403 ] || fail 'another site may ask by script'
[ "$(status "${fetch[@]}" -H 'Sec-Fetch-Mode: navigate' "$url?last=day")" = 200 ] || fail 'a link from another site is not followed'
curl -s -D "$dir/headers" -o "$dir/answer" -H 'Origin: https://evil.example' "$own"
if grep -i '^access-control' "$dir/headers" >&2; then fail 'another site may read the answer'; fi
ok 'other sites may link to the page, and ask or read nothing'
for asked in 'from=0000-01-01&to=9999-12-31' 'from=9999-12-31&to=0000-01-01' 'to=-1e308' 'last=%00&from=now&to=julianday' \
    "from=$(printf '9%.0s' {1..9000})" 'source=%27%20or%201=1--&last=all'; do
    [ "$(status "${own%%&*}&source=&last=all&$asked&_shape=array")" = 200 ] || fail "a period of $asked: $(head -c 300 "$dir/answer")"
    [ "$(wc -c < "$dir/answer")" -lt 2000000 ] || fail "a period of $asked is answered with $(wc -c < "$dir/answer") bytes"
done
ok 'periods without sense are answered, shortly'
for name in evil.example '[' '[::1' '127.0.0.1@evil.example' '' 192.0.2.1 "localhost.evil.example:${url##*:}"; do
    case $(status -H "Host: ${name:-;}" "$url") in 400 | 403) ;; *) fail "a page is served as $name: $(cat "$dir/answer")" ;; esac
done
for name in localhost LOCALHOST:80 127.0.0.1 '[::1]:8001'; do
    [ "$(status -L -H "Host: $name" "$url?last=day")" = 200 ] || fail "no page as $name: $(cat "$dir/answer")"
done
ok 'a name that is not this machine is refused'
port=${url#*127.0.0.1:}
hex=$(printf ':%04X ' "${port%%/*}")
[ "$(awk -v p="$hex" '$4 == "0A" && index($2 " ", p) { print $2 }' /proc/net/tcp /proc/net/tcp6)" = "0100007F${hex% }" ] ||
    fail 'it listens elsewhere than on 127.0.0.1'
ok 'it listens on 127.0.0.1 only'
stop

serve "$db" --sql --allow-host stats.example
base=${url%/-/*}
[ "$(status -H 'Host: stats.example' "$url?last=day")" = 200 ] || fail 'a name of --allow-host is refused'
before=$(query 'select count(*) from summaries')
for sql in 'delete from summaries' "insert into sections values (1, 'x', 1, 1, 1)" 'drop view counted' \
    'pragma journal_mode = delete' "attach '$dir/new.db' as n" 'vacuum'; do
    curl -s -G --data-urlencode "sql=$sql" "$base/httpmon.json" > "$dir/answer"
    jq -e '.ok == false or .error != null' "$dir/answer" > "$dir/no" || fail "\"$sql\" is not refused: $(cat "$dir/answer")"
done
[ "$(query 'select count(*) from summaries')" = "$before" ] || fail 'rows are gone'
[ ! -e "$dir/new.db" ] || fail 'a file was made'
curl -s "$base/httpmon.json?sql=select+sum(requests)+as+n+from+counted&_shape=array" | jq -r '.[0].n' > "$dir/answer"
[ "$(cat "$dir/answer")" = "$(query 'select sum(requests) from counted')" ] || fail "--sql: $(cat "$dir/answer")"
ok 'with --sql anything may be asked, but nothing written'
endless='with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n'
curl -s -G --data-urlencode "sql=$endless" "$base/httpmon.json" > "$dir/answer"
jq -e '.error | test("took too long")' "$dir/answer" > "$dir/no" || fail "a query without end: $(head -c 300 "$dir/answer")"
ok 'a query that takes too long is ended'
curl -s --parallel --parallel-immediate --parallel-max 100 -o "$dir/many-#1" -w '%{http_code}\n' \
    "$base/httpmon.json?n=[1-80]&sql=$(jq -rn --arg q "$endless" '$q | @uri')" > "$dir/codes"
if ! grep -qx 503 "$dir/codes" || ! grep -qx 400 "$dir/codes" || grep -qvx '503\|400' "$dir/codes"; then fail "80 at a time: $(sort "$dir/codes" | uniq -c)"; fi
[ "$(status "$url?last=day")" = 200 ] || fail 'no page after 80 queries at a time'
ok 'of many queries at a time some are refused, so that nobody waits for minutes'
stop

# Now: the second edition's events. The windows are of an hour, so that they are of now however slow the machine is.
db=$dir/now.db
now=$(date +%s)
second() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
newest=$((now / 3600 * 3600 - 3600))
for at in $((newest - 7200)) $((newest - 3600)); do
    printf '{"type":"summary","source":"a","start":"%s","end":"%s","duration_seconds":3600,"partial":false,"requests":40,"latency":{"requests":40,"sum":20.0,"p50":0.4,"p90":0.9,"p99":1.5,"max":2.5,"slow":3},"status":{"1xx":0,"2xx":30,"3xx":0,"4xx":0,"5xx":10,"other":0},"status_codes":{"200":30,"500":10},"sections":[{"section":"/shop","requests":25,"server_errors":1,"bytes":1},{"section":"/api<b>","requests":15,"server_errors":9,"bytes":1}],"hosts":[{"host":"198.51.100.42","requests":40,"server_errors":10,"bytes":1}],"alerting":%s,"alerts":%s}\n' \
        "$(second "$at")" "$(second $((at + 3600)))" "$([ "$at" -lt $((newest - 3600)) ] && echo false || echo true)" "$([ "$at" -lt $((newest - 3600)) ] && echo '[]' || echo '["high_errors"]')"
done > "$dir/events"
httpmon-store "$db" < "$dir/events"
printf '{"type":"alert","source":"a","time":"%s","name":"high_errors","window_seconds":120,"requests":80,"requests_per_second":0.7,"server_errors":20,"server_errors_percent":25.0,"threshold":5.0}\n{"type":"alert","source":"a","time":"%s","name":"high_traffic","window_seconds":120,"requests":80,"requests_per_second":0.7,"threshold":0.5}\n{"type":"recovery","source":"a","time":"%s","name":"high_traffic","since":"%s","reason":"restarted","duration_seconds":3,"window_seconds":120,"requests":80,"requests_per_second":0.7,"threshold":0.5,"peak_requests":120,"peak_time":"%s"}\n' \
    "$(second $((newest - 3)))" "$(second $((newest - 9)))" "$(second $((newest - 6)))" "$(second $((newest - 9)))" "$(second $((newest - 8)))" | httpmon-store "$db"
serve "$db"
browse last=day
tile state | grep -q "^Alerting high_errors since $(date -u -d "@$((newest - 3))" '+%F %T') (3 s) as of $(date -u -d "@$newest" '+%F %T') UTC, [0-9]* \(s\|minutes\|hours\) ago$" || fail "an active alert: $(tile state)"
grep -q 'class="state alerting"' "$dir/dom" || fail 'an active alert is not red'
is slow '0.500 s 6 slow'
pick 'from,measure,seconds,slow requests'
printf '%s|mean|0.5|3\n%s|p99|1.5|3\n' "$(date -u -d "@$((newest - 7200))" '+%F %T')" "$(date -u -d "@$((newest - 7200))" '+%F %T')" \
    "$(date -u -d "@$((newest - 3600))" '+%F %T')" "$(date -u -d "@$((newest - 3600))" '+%F %T')" > "$dir/expected"
same 'latency is drawn: the mean and the highest p99' "$dir/got" "$dir/expected"
for cell in '<b>high_errors</b>' '9 of 10 errors in /api&lt;b&gt;, 10 for 198.51.100.42' '<b>high_traffic</b>' '25 of 40 requests in /shop, 40 of 198.51.100.42' ' (time was set back)'; do
    grep -qF "$cell" "$dir/dom" || fail "\"$cell\" is not in the list of alerts"
done
ok 'an active alert makes the page red; each is named with what caused it'
jq -c '.alerting = false | .alerts = [] | .start = .end | .end = (.end | fromdate + 3600 | todate)' <(tail -n 1 "$dir/events") | httpmon-store "$db"
browse last=day
tile state | grep -q '^Quiet as of ' || fail "a window without alert: $(tile state)"
ok 'a window at whose end it is not active ends it: quiet'
stop

# The same with a log without columns for status and path, an alert that is still active, and nothing at all.
db=$dir/nulls.db
printf '{"type":"alert","source":"s","time":"2024-01-01T00:00:05Z","name":"high_traffic","window_seconds":120,"requests":1201,"requests_per_second":10.1,"threshold":10.0}\n{"type":"summary","source":"s","start":"2024-01-01T00:00:00Z","end":"2024-01-01T00:00:10Z","duration_seconds":10,"partial":false,"requests":1201,"bytes":null,"status":null,"status_codes":null,"methods":null,"sections":null,"hosts":null,"alerting":true}\n' |
    httpmon-store "$db"
serve "$db"
browse last=all
is requests 1,201
is errors –
tile state | grep -q '^Not current; was alerting high_traffic since 2024-01-01 00:00:05 (5 s) as of 2024-01-01 00:00:10 UTC, ' || fail "state: $(tile state)"
stop
httpmon-store "$dir/empty.db" < /dev/null
serve "$dir/empty.db"
[ "$(wc -l < "$dir/err")" -eq 1 ] || fail "the second start is not quiet: $(cat "$dir/err")"
browse last=all
is requests 0
is state 'Not current the store is empty'
stop
ok 'a log without most columns, an active alert and an empty store are shown'

httpmon-web --help | grep '^usage: httpmon-web' > /dev/null || fail 'no help'
echo 'not a database, but a text of some length' > "$dir/text"
sqlite3 "$dir/other.db" 'create table t (a)'
for wrong in '' "--open $dir/empty.db" "$dir/empty.db $dir/empty.db" "$dir/none.db" "$dir" "$dir/text" \
    "$dir/other.db" "--port x $dir/empty.db" "--port 99999 $dir/empty.db" "--allow-host" "--host 192.0.2.1 $dir/empty.db" '--port'; do
    status=0
    # shellcheck disable=SC2086 # several words
    timeout 300 httpmon-web $wrong > "$dir/out" 2> "$dir/err" || status=$?
    if [ "$status" -ne 2 ] || [ "$(wc -l < "$dir/err")" -ne 1 ] || [ -s "$dir/out" ]; then
        fail "\"$wrong\": status $status: $(cat "$dir/err")"
    fi
done
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# Where only root has a Python, this can't be tried.
if [ "$(id -u)" -eq 0 ] && as_nobody python3 -c 'import sqlite3' 2> /dev/null; then # who may read the file, but not write beside it, while a writer has it open
    mkfifo "$dir/open"
    httpmon-store "$dir/now.db" < "$dir/open" &
    exec 5> "$dir/open"
    head -n 1 "$dir/events" >&5
    is_open() { [ -e "$dir/now.db-wal" ]; }
    until_true 'the writer has the file open' is_open
    rm -f "$dir/now.db-shm"
    chmod 755 "$dir"
    status=0
    as_nobody env HOME="$dir" XDG_CACHE_HOME="$XDG_CACHE_HOME" \
        scripts/httpmon-web --port 0 "$dir/now.db" > "$dir/out" 2> "$dir/err" || status=$?
    exec 5>&-
    if [ "$status" -ne 2 ] || ! grep -q '\.backup copy\.db' "$dir/err"; then fail "without rights: status $status: $(cat "$dir/err")"; fi
    ok 'who has no right to write beside the file is told what to do'
fi

# A month of the filter's events costs little, and is not loaded again and again.
awk -v N=260000 -v LIST=4 -f tests/scripts/events.awk | httpmon-store "$dir/month.db"
serve "$dir/month.db"
pid=$(pgrep -P "$server" || echo "$server")
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
for last in '30+days' day; do
    before=$(ticks)
    browse "last=$last"
    printf 'a page of the last %s costs the server %d ms of CPU\n' "$last" $((($(ticks) - before) * 10))
done
is mean "$(sqlite3 "$dir/month.db" "select printf('%.2f', sum(requests) / 86400.0) from counted where start_at >= (select max(end_at) - 86400 from counted)")"
browse 'last=30+days'
loads() { jq -c '.events[] | select(.params.url? // "" | test("dashboards/httpmon[?]"))' "$dir/net" | wc -l; }
once=$(loads)
browse 'last=30+days' 150000
[ "$(loads)" -eq "$once" ] || fail 'a page of a month is loaded again by itself'
ok 'a page of a month is not loaded again by itself'
is requests "$(sqlite3 "$dir/month.db" "select printf('%,d', sum(requests)) from counted where start_at >= (select max(end_at) - 2592000 from counted) / 3600 * 3600")"
pick 'name,requests,server errors'
sed 's/,//g' "$dir/got" | sort -u > "$dir/once" && mv "$dir/once" "$dir/got"
for list in section host; do
    sqlite3 "$dir/month.db" "select $list, sum(n.requests), sum(n.server_errors) from counted join ${list}s n on summary = id where start_at >= (select max(end_at) - 2592000 from counted) / 3600 * 3600 group by 1 order by 2 desc, 1 limit 10"
done > "$dir/expected"
same 'a month shows the sums of its summaries, sections and hosts' "$dir/got" "$dir/expected"
stop

ok '--help helps; a wrong command line or file is status 2 and one line'
