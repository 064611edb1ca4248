#!/usr/bin/env bash
# httpmon-plot: the picture shows the numbers of the log, whatever the sources are called and however long it is.
set -euo pipefail
scripts/need gnuplot=gnuplot-nox sqlite3 python3 jq file awk=mawk
# shellcheck source=tests/lib.sh
. tests/lib.sh
plot() { # OPTIONS: events on stdin
    httpmon-plot "$@" 2> "$dir/err" || fail "$*: status $?: $(cat "$dir/err")"
    [ ! -s "$dir/err" ] || fail "$*: not quiet: $(cat "$dir/err")"
}
# SVG is text: the picture's words, and the heights of the steps of the area below the line, the highest being 1.
words() { python3 -c '
import sys, xml.etree.ElementTree as tree
for node in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text"):
    print("".join(node.itertext()).strip())' "$1"; }
heights() { python3 -c '
import sys, xml.etree.ElementTree as tree
for node in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}polygon"):
    if node.get("fill").replace(" ", "") == "rgb(47,109,181)":
        corners = [float(point.split(",")[1]) for point in node.get("points").split()]
        for start in range(0, len(corners) // 2, 2): # and back along the axis
            print((max(corners) - corners[start]) / (max(corners) - min(corners)))' "$1"; }

httpmon < tests/data/access.csv > "$dir/events" 2> "$dir/diagnostics"
plot "$dir/a.svg" < "$dir/events"
words "$dir/a.svg" > "$dir/words"
for word in requests/s high_traffic stdin 'Mar 02' 'threshold 10/s' '5xx in 10 s'; do
    grep -qxF "$word" "$dir/words" || fail "\"$word\" is not in the picture"
done
! grep -q latency "$dir/words" || fail 'latency is drawn that the log does not have'
ok 'rate, threshold, alerts, server errors and the date are named in the picture'
heights "$dir/a.svg" > "$dir/got"
jq -r 'select(.type == "summary") | .requests / .duration_seconds' "$dir/events" |
    awk '{ rate[NR] = $1; if ($1 > top) top = $1 } END { for (i = 1; i <= NR; i++) print rate[i] / top }' > "$dir/expected"
paste "$dir/got" "$dir/expected" | awk 'NF != 2 || $1 - $2 > 0.02 || $2 - $1 > 0.02 { print; bad = 1 } END { exit bad || NR < 10 }' >&2 ||
    fail 'the line is not that of the requests'
ok 'the line of requests per second is that of the log'

# Vertical lines from the axis to the top, as the start of an alert has one: SVG's M x,y L x,y.
alert_lines() { grep -c "<path stroke='rgb(194,  59,  59)'  d='M\([0-9.]*\),[0-9.]* L\1,[0-9.]*  '/>" "$1" || true; }
[ "$(alert_lines "$dir/a.svg")" -eq "$(grep -c '"type":"alert"' "$dir/events")" ] || fail 'an alert has no line at its start'
# A second of alert in a month, far below a pixel; one busy window in it, far above the mean of its step; latency.
awk -v N=260000 -v LIST=1 -f tests/scripts/events.awk | jq -c --arg start 2024-01-14T03:00:00Z '
    if .type != "summary" then empty
    elif .start == $start then .requests = 5000 | .alerts = [] | .latency = {requests: 10, sum: 30, p50: 1, p90: 2, p99: 7.25, max: 8, slow: 10},
        {type: "alert", source: "stdin", time: $start, name: "high_errors", window_seconds: 120, requests: 9, threshold: 5},
        {type: "recovery", source: "stdin", time: "2024-01-14T03:00:01Z", name: "high_errors", since: $start, window_seconds: 120, requests: 9, threshold: 5}
    else .alerting = false end' > "$dir/month"
plot "$dir/month.svg" < "$dir/month"
words "$dir/month.svg" > "$dir/words"
[ "$(alert_lines "$dir/month.svg")" -eq 1 ] || fail 'an alert below a pixel is not to be seen'
for word in high_errors "Jan 11" mean 'highest p99 of a window' 'latency in s'; do
    grep -qxF "$word" "$dir/words" || fail "\"$word\" is not in the picture of a month"
done
! grep -q threshold "$dir/words" || fail "a threshold of requests is drawn where there is one of errors only"
grep -xE '[0-9]{3}' "$dir/words" | sort -n | tail -n 1 > "$dir/top" # requests/s; the busiest window has 500, its step's mean is below 20
[ "$(cat "$dir/top")" -ge 500 ] || fail "the busiest window is not drawn: the axis ends at $(cat "$dir/top")"
ok 'an alert below a pixel is visible, the busiest window is drawn beside the mean, and latency if there is any'

plot "$dir/a.png" < "$dir/events"
file "$dir/a.png" | grep 'PNG image data, 1200 x 600' > /dev/null || fail "$(file "$dir/a.png")"
plot --size 800x400 --title 'Spring sale' --threshold 12.5 "$dir/b.svg" < "$dir/events"
words "$dir/b.svg" > "$dir/words"
for word in 'Spring sale' 'threshold 12.5/s'; do
    grep -qxF "$word" "$dir/words" || fail "\"$word\" is not in the picture"
done
grep -q 'width="800" height="400"' "$dir/b.svg" || fail 'not of the size asked for'
ok 'the name says PNG or SVG; size, title and threshold can be given'

# shellcheck disable=SC2016
for name in a b c d e f 'x"`touch pwned`<b>{/:Bold &amp;}_1^2' "'; select 1; --"; do
    jq -c --arg name "$name" '.source = $name' "$dir/events"
done > "$dir/sources"
(cd "$dir" && PATH=$OLDPWD/scripts:$PATH && plot sources.svg < sources && plot sources.png < sources)
[ ! -e "$dir/pwned" ] || fail 'a name was executed'
words "$dir/sources.svg" > "$dir/words"
for word in "'; select 1; --" a b others; do
    grep -qxF "$word" "$dir/words" || fail "\"$word\" is not in the picture"
done
ok 'several sources have a line each, and their names are only names'

jq -c 'if .type == "summary" then .status = null | .status_codes = null | .bytes = null | .sections = null | .hosts = null else empty end' "$dir/events" > "$dir/nulls"
plot "$dir/nulls.svg" < "$dir/nulls"
words "$dir/nulls.svg" > "$dir/words"
grep -qxF 'the log has no status' "$dir/words" || fail 'a log without a status is drawn as one without errors'
! grep -q threshold "$dir/words" || fail 'a threshold is drawn that nobody knows'
ok 'a log without alerts and status is drawn'
{ echo '{'; cat "$dir/events"; } | httpmon-plot "$dir/c.svg" 2> "$dir/err" || fail "a broken line: status $?"
diff - "$dir/err" >&2 <<LINES || fail 'a broken line is not reported as it should be'
httpmon-plot: line 1: not an event
httpmon-plot: 1 of $(($(wc -l < "$dir/events") + 1)) lines were not events
LINES
cmp "$dir/a.svg" "$dir/c.svg" || fail 'a broken line changes the picture'
ok 'a broken line is reported, counted and skipped'
status=0
httpmon-plot "$dir/empty.png" < /dev/null 2> "$dir/err" || status=$?
if [ "$status" -ne 1 ] || [ "$(wc -l < "$dir/err")" -ne 1 ] || [ -e "$dir/empty.png" ]; then
    fail "an empty stream: status $status: $(cat "$dir/err")"
fi
ok 'an empty stream is status 1 and one line, and makes no picture'

httpmon-plot --help | grep '^usage: httpmon-plot' > /dev/null || fail 'no help'
for wrong in '' "$dir/a.jpg" "$dir/a.png $dir/b.png" "--width 3 $dir/a.png" "--size 3 $dir/a.png" \
    "--threshold 1e3 $dir/a.png" "--title" "$dir/nowhere/a.png"; do
    status=0
    # shellcheck disable=SC2086 # several words
    httpmon-plot $wrong < "$dir/events" > "$dir/out" 2> "$dir/err" || status=$?
    if [ "$status" -ne 2 ] || [ "$(wc -l < "$dir/err")" -ne 1 ] || [ -s "$dir/out" ]; then
        fail "\"$wrong\": status $status: $(cat "$dir/err")"
    fi
done
ok '--help helps; a wrong command line or file is status 2 and one line'

started=$(date +%s)
awk -v N=1000000 -v LIST=2 -f tests/scripts/events.awk | plot "$dir/million.svg"
printf 'a million events drawn in %d s\n' $(($(date +%s) - started))
[ "$(stat -c %s "$dir/million.svg")" -lt 3000000 ] || fail 'the picture of a million events is too big'
words "$dir/million.svg" | grep -xF '5xx in 6 h' > /dev/null || fail 'not the steps of a long log'
ok 'a million events make a picture of some hundred steps'
