#!/usr/bin/env bash
# httpmon-store under load and misfortune: a million events, kill -9, two writers, a full disk, no work no cost.
# And a million events through httpmon-pretty, since they are there.
set -euo pipefail
scripts/need jq sqlite3 python3 awk=mawk gzip
python3 -c "import ensurepip" 2> /dev/null || scripts/need ensurepip=python3-venv 2> /dev/null || true
# shellcheck source=tests/lib.sh
. tests/lib.sh
make_events() { awk -v N="$1" -v LIST="$2" -f tests/scripts/events.awk; }
rows() { sqlite3 -cmd ".timeout 60000" "$1" 'select (select count(*) from summaries) + (select count(*) from alerts)' 2> /dev/null || echo 0; }

# A million events.
make_events 1000000 4 > "$dir/million"
started=$(date +%s)
httpmon-store "$dir/million.db" < "$dir/million" 2> "$dir/err" || fail "status $?: $(cat "$dir/err")"
[ ! -s "$dir/err" ] || fail "not quiet: $(cat "$dir/err")"
printf 'a million events in %d s, a file of %d MB\n' $(($(date +%s) - started)) $(($(stat -c %s "$dir/million.db") / 1000000))
[ "$(rows "$dir/million.db")" = 1000000 ] || fail "$(rows "$dir/million.db") of a million events are there"
grep -o '"requests":[0-9]*,"requests_per_second":[0-9.]*,"late"' "$dir/million" |
    awk -F '[:,]' '{ n += $2 } END { print n }' > "$dir/expected"
sqlite3 "$dir/million.db" 'select sum(requests) from windows' | diff "$dir/expected" - >&2 || fail 'requests are missing'
sqlite3 "$dir/million.db" 'select sum(requests) from sections' | diff "$dir/expected" - >&2 || fail 'sections are missing'
[ "$(sqlite3 "$dir/million.db" 'select sum(seconds) from alert_periods where not active')" = \
    "$(grep -o '"duration_seconds":[0-9]*,"window_seconds"' "$dir/million" | awk -F '[:,]' '{ n += $2 } END { print n }')" ] ||
    fail 'time spent alerting is not the sum of the recoveries'
ok 'a million events are all there'
rm "$dir"/million.db

started=$(date +%s)
[ "$(head -n 100000 "$dir/million" | httpmon-pretty | wc -l)" = 100000 ] || fail 'httpmon-pretty does not show them all'
printf 'a hundred thousand events shown in %d s\n' $(($(date +%s) - started))
ok 'httpmon-pretty shows a hundred thousand events'

# kill -9, at ten moments of one import: what a reader saw is there, and the file is sound.
head -n 50000 "$dir/million" > "$dir/part"
rm "$dir/million"
seen=0
grown() { [ "$(rows "$dir/killed.db")" -gt "$seen" ] || ! kill -0 "$pid" 2> /dev/null; }
for round in $(seq 10); do
    httpmon-store "$dir/killed.db" < "$dir/part" &
    pid=$!
    until_true 'a killed import goes on' grown
    seen=$(rows "$dir/killed.db")
    kill -9 "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
    [ "$(sqlite3 "$dir/killed.db" 'pragma integrity_check; pragma foreign_key_check')" = ok ] ||
        fail "round $round: the file is not sound"
    now=$(rows "$dir/killed.db")
    [ "$now" -ge "$seen" ] || fail "round $round: $seen events were committed, $now are there"
    seen=$now
    [ "$seen" -lt 50000 ] || break
done
[ "$round" -gt 1 ] || fail 'the import was never killed midway'
ok 'killed at any moment, nothing that was committed is lost and the file is sound'
httpmon-store "$dir/killed.db" < "$dir/part"
[ "$(rows "$dir/killed.db")" = 50000 ] || fail 'events are missing after feeding them again'
[ "$(sqlite3 "$dir/killed.db" 'select count(distinct summary) from sections')" = \
    "$(sqlite3 "$dir/killed.db" 'select count(*) from summaries')" ] || fail 'a summary is there without its sections'
ok 'fed again, the events are all there, once, with their lists'
rm "$dir/killed.db"

# Two writers that start together on a file that is not there yet, and a reader.
head -n 20000 "$dir/part" > "$dir/a"
sed 's/"source":"stdin"/"source":"other"/' "$dir/a" > "$dir/b"
httpmon-store "$dir/two.db" < "$dir/a" 2> "$dir/err_a" &
writers=($!)
httpmon-store "$dir/two.db" < "$dir/b" 2> "$dir/err_b" &
writers+=($!)
for pid in "${writers[@]}"; do
    wait "$pid" || fail "a writer beside another: status $?: $(cat "$dir/err_a" "$dir/err_b")"
done
# On a slow machine one waits so long for the other that it says so.
if cat "$dir/err_a" "$dir/err_b" | grep -v 'is locked; waiting$'; then fail "two writers: $(cat "$dir/err_a" "$dir/err_b")"; fi
[ "$(rows "$dir/two.db")" = 40000 ] || fail "two writers: $(rows "$dir/two.db") of 40000 events are there"
[ "$(sqlite3 "$dir/two.db" 'select min(sources), max(sources), sum(requests) from windows')" = \
    "2|2|$(sqlite3 "$dir/two.db" 'select 2 * sum(requests) from summaries where source = '"'other'")" ] ||
    fail 'two sources are not summed by window'
ok 'two writers of one file do not break each other'
mapfile -t sums < <(sqlite3 "$dir/two.db" 'select sum(requests) from summaries group by source; select sum(requests) from windows')
[ "${sums[2]}" -eq $((sums[0] + sums[1])) ] || fail 'windows are not the sum of the sources'

# Another program holds the file: the writer waits, and loses nothing.
mkfifo "$dir/held"
sqlite3 "$dir/two.db" > "$dir/held_out" < "$dir/held" &
exec 4> "$dir/held"
echo "begin immediate; select 'held';" >&4
until_true 'another program holds the file' grep -q held "$dir/held_out"
sed 's/"source":"stdin"/"source":"third"/' "$dir/a" | httpmon-store "$dir/two.db" &
writer=$!
opened() { readlink "/proc/$writer"/fd/* | grep 'two\.db' > /dev/null; }
until_true 'the writer has come to the file' opened
echo 'commit;' >&4
exec 4>&-
wait "$writer" || fail "a writer that had to wait: status $?"
[ "$(rows "$dir/two.db")" = 60000 ] || fail 'a writer that had to wait lost events'
ok 'a writer waits for another that holds the file'

# A disk that is full: one line, and what was committed is there.
(
    ulimit -f 4096 # blocks of 1024 bytes
    httpmon-store "$dir/full.db" < "$dir/part" 2> "$dir/err"
) && fail 'a full disk is not noticed'
[ "$(wc -l < "$dir/err")" -eq 1 ] || fail "a full disk: $(cat "$dir/err")"
[ "$(sqlite3 "$dir/full.db" 'pragma integrity_check')" = ok ] || fail 'the file is not sound after a full disk'
ok 'a full disk is status 2, one line and no damage'

# No work, no cost: while nothing comes it is never woken.
mkfifo "$dir/live"
httpmon-store "$dir/live.db" < "$dir/live" &
store=$!
exec 3> "$dir/live"
head -n 1 "$dir/part" >&3
has_one() { [ "$(rows "$dir/live.db")" = 1 ]; }
until_true 'the event is committed' has_one
switches() { grep voluntary "/proc/$store/status"; }
asleep() { before=$now && now=$(switches) && is_in_state "$store" S && [ "$before" = "$now" ]; }
now=
until_true 'it sleeps' asleep
sleep 2 # what must not happen in this time is measured, nothing waits for it
[ "$now" = "$(switches)" ] || fail "it wakes while nothing comes: $now, $(switches)"
ok 'while nothing comes it sleeps'
exec 3>&-
wait "$store"

# The manual's recipe for old events, with DuckDB's own program: a rotated file, a compressed one, and a torn line.
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install duckdb-cli > "$dir/log" 2>&1 || fail "duckdb-cli: $(tail -n 1 "$dir/log")"
mkdir "$dir/old"
sed -n '/^\$ cat days.sql/,/^\$ duckdb/p' man/httpmon-store.1 | sed '1d;$d' > "$dir/old/days.sql"
head -n 9000 "$dir/part" > "$dir/old/events.ndjson.1"
sed -n '9001,20000p' "$dir/part" | gzip -1 > "$dir/old/events.ndjson.2.gz"
head -n 1 "$dir/part" | head -c 100 > "$dir/old/events.ndjson"
(cd "$dir/old" && "$dir/venv/bin/duckdb" -csv -noheader -f days.sql) > "$dir/days" || fail 'the recipe does not run'
head -n 20000 "$dir/part" | httpmon-store "$dir/days.db"
sqlite3 -csv "$dir/days.db" 'select time, requests, server_errors, p99 from (
    select date(start_at, "unixepoch") as time, sum(requests) as requests, sum(status_5xx) as server_errors, max(latency_p99) as p99
    from counted group by 1)' > "$dir/expected"
sed 's/ 00:00:00+00//; s/"//g' "$dir/days" | diff "$dir/expected" - >&2 || fail 'DuckDB and the store differ'
ok 'old events read by DuckDB, as the manual says, give what the store has'
