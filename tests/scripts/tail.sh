#!/usr/bin/env bash
# Logs that grow, are rotated and torn, followed by the real tail; and silence, which is each log's own.
set -euo pipefail
scripts/need tail=coreutils tee=coreutils awk=mawk
# shellcheck source=tests/lib.sh
. tests/lib.sh

header='"remotehost","rfc931","authuser","date","request","status","bytes"'
record() { printf '"10.0.0.%d","-","-",%d,"GET %s HTTP/1.1",200,%d\n' $(($1 % 7)) "$1" "$2" 100; } # TIME PATH
records() { # PREFIX FROM TO: one a second, times from 1549573000 + FROM on
    awk -v p="$1" -v from="$2" -v to="$3" 'BEGIN { for (i = from; i < to; i++)
        printf "\"10.0.0.%d\",\"-\",\"-\",%d,\"GET /%s/%d HTTP/1.1\",200,%d\n", i % 7, 1549573000 + i, p, i, i }'
}

follow() { # FILE...: tail -F | tee raw | httpmon, all of them in $dir
    rm -f "$dir"/{raw,out,err,tail.err,followed,copied}
    mkfifo "$dir/followed" "$dir/copied"
    (cd "$dir" && exec tail -n +1 -F "$@" > followed 2> tail.err) &
    follower=$!
    tee "$dir/raw" < "$dir/followed" > "$dir/copied" &
    httpmon "${options[@]}" < "$dir/copied" > "$dir/out" 2> "$dir/err" &
    monitor=$!
}
options=()
passed_on() { until_true "tail passes on $1" has_passed_on "$1"; } # TEXT, and the rest of its line
has_passed_on() { has "$dir/raw" "$1" && { [ -z "$(tail -c 1 "$dir/raw")" ] || [ "$(tail -c ${#1} "$dir/raw")" = "$1" ]; }; }
tail_says() { until_true "tail says: $1" has "$dir/tail.err" "$1"; }
finish() { # WHAT
    kill "$follower"
    ends_with "$monitor" 0 "$1"
    [ "$(lines_in "$dir/out")" -eq "$(line_count "$dir/raw")" ] ||
        fail "$1: the sums are $(sums_of "$dir/out"), the lines $(line_count "$dir/raw")"
}
is_quiet() { [ ! -s "$dir/err" ] || fail "$1: not quiet: $(head -n 3 "$dir/err")"; }
like_a_file() { # WHAT: the events are those of what tail wrote, read as a file
    httpmon "${options[@]}" < "$dir/raw" > "$dir/expected" 2> /dev/null
    same_bytes "$1" "$dir/expected" "$dir/out"
}
has_malformed() { # WHAT COUNT REQUESTS
    [ "$(malformed_in "$dir/out")" -eq "$2" ] ||
        fail "$1: $(malformed_in "$dir/out") malformed, not $2: $(cat "$dir/err")"
    [ "$(requests_in "$dir/out")" -eq "$3" ] || fail "$1: $(requests_in "$dir/out") requests, not $3"
}

# Two logs. The times are in no strict order, and now and then there are many of one second.
two_logs() { # LAYOUT FIRST COUNT
    awk -v layout="$1" -v t="$2" -v count="$3" '
    function roll() { seed = (seed * 16807) % 2147483647; return seed }
    BEGIN {
        seed = t
        if (layout == "quoted") print "\"remotehost\",\"rfc931\",\"authuser\",\"date\",\"request\",\"status\",\"bytes\""
        else print "host\tlogname\ttime\tmethod\turl\tresponse\tbytes\treferer\tuseragent"
        for (i = 0; i < count; i++) {
            t += i % 500 < 200 ? roll() % 30 == 0 : roll() % 3
            at = t - roll() % 4
            path = "/" substr("abcdefgh", 1 + roll() % 8, 1) "/" i "?x=" roll()
            status = roll() % 20 == 0 ? 503 : 200
            if (layout == "quoted") printf "\"10.0.0.%d\",\"-\",\"-\",%d,\"GET %s HTTP/1.0\",%d,%d\n", roll() % 20, at, path, status, roll() % 5000
            else printf "h%d\t-\t[07/Feb/2019:%02d:%02d:%02d +0000]\tPOST\t%s\t%d\t%d\t\t\n", roll() % 20, int(at / 3600) % 24, int(at / 60) % 60, at % 60, path, status, roll() % 5000
        }
    }'
}
two_logs quoted 1549573200 4000 > "$dir/whole_a"
two_logs tabbed 1549569600 4000 > "$dir/whole_b"
options=(-t 5 -w 30)
: > "$dir/a.csv"
: > "$dir/b.csv"
follow a.csv b.csv
for part in $(seq 0 9); do
    for log in a b; do
        sed -n "$((part * 400 + 1)),$((part == 9 ? 4001 : part * 400 + 400))p" "$dir/whole_$log" > "$dir/part"
        cat "$dir/part" >> "$dir/$log.csv"
        passed_on "$(tail -n 1 "$dir/part")"
    done
done
finish 'two logs'
is_quiet 'two logs'
without() { sed -E 's/"source":"[^"]*"/"source":""/; s/"skipped":[0-9]+/"skipped":0/'; }
for log in a b; do
    httpmon "${options[@]}" < "$dir/whole_$log" | without > "$dir/expected"
    grep -F "\"source\":\"$log.csv\"" "$dir/out" | without > "$dir/got"
    same_bytes "the log $log.csv" "$dir/expected" "$dir/got"
    for type in alert recovery summary; do
        has "$dir/got" "\"type\":\"$type\"" || fail "two logs: no $type of $log.csv"
    done
done
[ "$(grep -c '^==> ' "$dir/raw")" -ge 20 ] || fail 'two logs: tail did not go to and fro'
ok 'of two logs of different layouts, one an hour behind, each has the very events it has alone'

# Rotation.
options=()
{ printf '%s\n' "$header"; records old 0 300; } > "$dir/access.csv"
follow access.csv
passed_on /old/299
mv "$dir/access.csv" "$dir/access.csv.1"
{ printf '%s\n' "$header"; records new 300 600; } > "$dir/next"
cat "$dir/next" > "$dir/access.csv"
tail_says 'following new file'
passed_on /new/599
records more 600 900 >> "$dir/access.csv"
passed_on /more/899
finish 'rename and create'
is_quiet 'rename and create'
has_malformed 'rename and create' 0 900
like_a_file 'rename and create'
ok 'rotation by rename and create: the new header is skipped, nothing is malformed, nothing is lost'

{ printf '%s\n' "$header"; records old 0 300; } > "$dir/access.csv"
follow access.csv
passed_on /old/299
cp "$dir/access.csv" "$dir/access.csv.1"
: > "$dir/access.csv"
tail_says 'file truncated'
cat "$dir/next" >> "$dir/access.csv"
passed_on /new/599
records more 600 900 >> "$dir/access.csv"
passed_on /more/899
finish 'copytruncate'
is_quiet 'copytruncate'
has_malformed 'copytruncate' 0 900
like_a_file 'copytruncate'
ok 'rotation by copytruncate: the same'

# The new file may have another layout.
{ printf '%s\n' "$header"; records old 0 300; } > "$dir/access.csv"
follow access.csv
passed_on /old/299
mv "$dir/access.csv" "$dir/access.csv.1"
{
    echo 'time;status;url;host'
    records new 300 600 | awk -F '[", ]+' '{ print $5 ";" $9 ";" $7 ";" $2 }' | sed 's/^/ /'
} | sed 's/;/,/g' > "$dir/next_layout"
cat "$dir/next_layout" > "$dir/access.csv"
passed_on /new/599
finish 'another layout'
is_quiet 'another layout'
has_malformed 'another layout' 0 600
grep -F '"start":"2019-02-07T21:05:00Z"' "$dir/out" | grep -F '"bytes":null' > /dev/null || fail 'another layout: bytes are not null'
ok 'a rotated file with other columns is read by its own header'

# Torn lines.
for glued in "$header" "$(record 1549573300 /torn/next)"; do
    { printf '%s\n' "$header"; records old 0 300; printf '"10.0.0.1","-","-",1549573299,"GET /torn/half'; } > "$dir/access.csv"
    follow access.csv
    passed_on /torn/half
    cp "$dir/access.csv" "$dir/access.csv.1"
    : > "$dir/access.csv"
    tail_says 'file truncated'
    { printf '%s\n' "$glued"; records new 300 600; } > "$dir/part"
    cat "$dir/part" >> "$dir/access.csv"
    passed_on /new/599
    finish 'a torn line'
    has_malformed 'a line cut off and glued to the next' 1 600
    [ "$(wc -l < "$dir/err")" -eq 2 ] || fail "a torn line: $(cat "$dir/err")"
    like_a_file 'a line cut off and glued to the next'
done
ok 'a record cut off by truncation and glued to the next line is one malformed line, and all others count'

{ printf '%s\n' "$header"; records a 0 300; } > "$dir/a.csv"
{ printf '%s\n' "$header"; records b 0 300; } > "$dir/b.csv"
follow a.csv b.csv
passed_on /b/299
printf '"10.0.0.1","-","-",1549573300,"GET /torn/ha' >> "$dir/a.csv"
passed_on /torn/ha
records b 300 400 >> "$dir/b.csv"
passed_on /b/399
{ printf 'lf HTTP/1.1",200,5\n'; records a 300 400; } > "$dir/part"
cat "$dir/part" >> "$dir/a.csv"
passed_on /a/399
finish 'cut by a change of files'
has "$dir/raw" '/torn/half' && fail 'cut by a change of files: tail did not cut it'
has_malformed 'cut by a change of files' 2 800
grep -F '"source":"a.csv"' "$dir/out" > "$dir/got"
[ "$(sums_of "$dir/got" | cut -d ' ' -f 1,2)" = '400 2' ] || fail "cut by a change of files: a.csv has $(sums_of "$dir/got")"
grep -F '"source":"b.csv"' "$dir/out" > "$dir/got"
[ "$(sums_of "$dir/got" | cut -d ' ' -f 1,2)" = '400 0' ] || fail "cut by a change of files: b.csv has $(sums_of "$dir/got")"
ok 'a record that tail cuts in two at a change of files is two malformed lines of its own log'

# A writer that keeps its place in a file that is truncated makes a file that starts with NULs.
rm "$dir/access.csv"
exec 3> "$dir/access.csv"
{ printf '%s\n' "$header"; records old 0 300; } >&3
follow access.csv
passed_on /old/299
: > "$dir/access.csv"
tail_says 'file truncated'
records new 300 600 >&3
exec 3>&-
passed_on /new/599
finish 'NULs'
is_quiet 'NULs'
has_malformed 'NULs' 0 600
[ "$(tr -dc '\0' < "$dir/raw" | wc -c)" -gt 10000 ] || fail 'NULs: there are none'
ok 'the NULs of a truncated file whose writer kept its place are dropped'

{ printf '%s\n' "$header"; records old 0 300; } > "$dir/access.csv"
truncate -s +1G "$dir/access.csv"
{ records new 300 600; printf '"10.0.0.1","-","-",15495'; } >> "$dir/access.csv"
mkfifo "$dir/nuls"
started=$SECONDS
(cd "$dir" && exec tail -n +1 -F access.csv > nuls 2> tail.err) &
follower=$!
httpmon < "$dir/nuls" > "$dir/out" 2> "$dir/err" &
monitor=$!
until_true 'what follows a gigabyte of NULs is read' has "$dir/out" '"start":"2019-02-07T21:06:20Z"'
printf '73606,"GET /end HTTP/1.1",200,1\n' >> "$dir/access.csv"
until_true 'the line begun after a gigabyte of NULs is ended' has "$dir/out" '"start":"2019-02-07T21:06:30Z"'
peak=$(peak_kib "$monitor")
kill "$follower"
ends_with "$monitor" 0 'a gigabyte of NULs'
is_quiet 'a gigabyte of NULs'
has_malformed 'a gigabyte of NULs' 0 601
[ "$(lines_in "$dir/out")" -eq 602 ] || fail "a gigabyte of NULs: $(sums_of "$dir/out")"
[ "$peak" -lt 16384 ] || fail "a gigabyte of NULs: $peak KiB of memory"
rm "$dir/access.csv"
ok "a gigabyte of NULs is dropped within $peak KiB and $((SECONDS - started)) s"

{ printf '%s\n' "$header"; records old 0 300; printf %s "$(record 1549573300 /last)"; } > "$dir/access.csv"
follow access.csv
passed_on '/last HTTP/1.1",200,100'
finish 'a last line without end'
is_quiet 'a last line without end'
has_malformed 'a last line without end' 0 301
ok 'a last line without end is a record'

{ printf '%s\n' "$header"; records old 0 300; printf '"10.0.0.1","-","-",1549573299,"GET /open'; } > "$dir/access.csv"
follow access.csv
passed_on /open
finish 'an open quote at the end'
has_malformed 'an open quote at the end' 1 300
ok 'a file that ends inside a quote costs that one line'

follow access.csv
passed_on /open
mv "$dir/access.csv" "$dir/access.csv.1"
cat "$dir/next" > "$dir/access.csv"
passed_on /new/599
finish 'an open quote at a rotation'
has_malformed 'an open quote at a rotation' 1 600
has "$dir/err" 'line 302: ' || fail "an open quote at a rotation: $(cat "$dir/err")"
ok 'a file that ends inside a quote costs one line at a rotation too, the one glued to it'

# Silence, in real seconds: what was there last is a burst of one second, and then nothing more comes.
burst() { awk -v t="$1" -v count="$2" 'BEGIN { for (i = 0; i < count; i++) printf "\"10.0.0.1\",\"-\",\"-\",%d,\"GET /burst HTTP/1.1\",200,1\n", t }'; }
recovers() { # LOG TIME WHAT: 5 s after the burst, exactly
    grep -F "\"type\":\"recovery\",\"source\":\"$1\"" "$dir/out" |
        grep -F "\"time\":\"$(date -u -d "@$(($2 + 5))" +%FT%TZ)\"" | grep -F "\"since\":\"$(date -u -d "@$2" +%FT%TZ)\"" |
        grep -qF '"duration_seconds":5,"window_seconds":5,"requests":0,' || fail "$3: $(grep recovery "$dir/out")"
}
options=(-w 5 -t 10 -i 1 --lateness 0 --idle-timeout 1)
printf '%s\n' "$header" > "$dir/access.csv"
follow access.csv
passed_on remotehost
now=$(date +%s)
burst "$now" 100 >> "$dir/access.csv"
until_true 'the burst raises an alert' has "$dir/out" '"type":"alert"'
until_true 'the alert recovers in silence' has "$dir/out" '"type":"recovery"'
recovers stdin "$now" 'traffic that stops dead'
kill -0 "$monitor" "$follower" || fail 'traffic that stops dead: something has ended'
burst $((now + 25)) 1 >> "$dir/access.csv" # silence has not come so far yet
passed_on "$((now + 25))"
finish 'traffic that stops dead'
is_quiet 'traffic that stops dead'
# What the lull has closed early says the same as in the finished file; after its end there may be empty summaries.
httpmon "${options[@]}" < "$dir/raw" > "$dir/expected"
head -c "$(stat -c %s "$dir/expected")" "$dir/out" > "$dir/got"
same_bytes 'a lull' "$dir/expected" "$dir/got"
ok 'when traffic stops dead, the recovery comes out while all is open, with its exact second'

# What the one log gets may be held up for as long as the idle timeout.
options=(-w 5 -t 10 -i 1 --lateness 0 --idle-timeout 5)
printf '%s\n' "$header" > "$dir/a.csv"
printf '%s\n' "$header" > "$dir/b.csv"
follow a.csv b.csv
both_are_followed() { [ "$(grep -c remotehost "$dir/raw" 2> /dev/null)" = 2 ]; }
until_true 'both are followed' both_are_followed
now=$(date +%s)
burst "$now" 100 >> "$dir/a.csv"
a_recovers_while_b_goes_on() {
    local second
    second=$(date +%s)
    [ "$second" = "${written:-}" ] || burst "$second" 2 >> "$dir/b.csv"
    written=$second
    has "$dir/out" '"type":"recovery","source":"a.csv"'
}
until_true 'the quiet log recovers while the other goes on' a_recovers_while_b_goes_on
recovers a.csv "$now" 'the quiet one of two logs'
[ "$(sed '/"type":"recovery"/q' "$dir/out" | grep -c '"type":"summary","source":"b.csv".*"requests":[1-9][0-9]*,"requests_per')" -ge 3 ] ||
    fail 'silence of one log: the other did not go on'
has "$dir/out" '"type":"alert","source":"b.csv"' && fail 'silence of one log: the other alerts'
finish 'silence of one log'
is_quiet 'silence of one log'
ok 'each log has its own silence: one goes quiet and recovers while the other goes on'

# A thousand sources and one more.
options=()
mkdir "$dir/many"
names=()
for n in $(seq 1001); do names+=("many/$n.csv"); done
grow_all() { # FROM TO: a second and a record each
    awk -v dir="$dir/many/" -v from="$1" -v to="$2" 'BEGIN { for (n = 1; n <= 1001; n++) {
        for (i = from; i < to; i++)
            printf "\"10.0.0.%d\",\"-\",\"-\",%d,\"GET /s%d/%d HTTP/1.1\",200,%d\n", i % 7, 1549573000 + i, n, i, i >> (dir n ".csv")
        close(dir n ".csv")
    } }'
}
grow_all 0 20
follow "${names[@]}"
passed_on /s1001/19
grow_all 20 25
all_passed_on() { [ "$(grep -c '/24 HTTP' "$dir/raw")" -eq 1001 ]; }
until_true 'tail passes on what all 1,001 got' all_passed_on
has_read_all() { [ "$(bytes_read "$monitor")" -ge "$(stat -c %s "$dir/raw")" ]; }
until_true 'the monitor reads it' has_read_all
peak=$(peak_kib "$monitor")
finish '1,001 sources'
has_malformed '1,001 sources' 0 25025
if [ "$(wc -l < "$dir/err")" -ne 1 ] || ! has "$dir/err" 'more than 1000 sources'; then
    fail "1,001 sources: $(head -n 3 "$dir/err")"
fi
sed -n 's/^{"type":"summary","source":"\([^"]*\)".*"requests":\([0-9]*\),"requests_per_second".*/\1 \2/p' "$dir/out" |
    awk '{ n[$1] += $2 } END { for (s in n) print n[s], s }' | sort > "$dir/got"
[ "$(cut -d ' ' -f 1 "$dir/got" | sort | uniq -c | awk '{ print $1, $2 }')" = '1001 25' ] ||
    fail "1,001 sources: $(head -n 3 "$dir/got")"
has "$dir/got" '25 (other)' || fail '1,001 sources: none is (other)'
[ "$peak" -lt 65536 ] || fail "1,001 sources: $peak KiB of memory"
ok "1,001 sources: one warning, every line counted, $peak KiB of memory"

mkfifo "$dir/names"
httpmon < "$dir/names" > "$dir/out" 2> "$dir/err" &
monitor=$!
exec 3> "$dir/names"
awk 'BEGIN { for (i = 1; i <= 50000; i++) printf "\n==> log %d <==\n\"10.0.0.1\",\"-\",\"-\",1549573000,\"GET /%d HTTP/1.1\",200,1\n", i, i }' >&3
records x 20 21 >&3
until_true 'the lines of 50,000 sources are read' has "$dir/out" '"source":"(other)"'
peak=$(peak_kib "$monitor")
exec 3>&-
ends_with "$monitor" 0 '50,000 sources'
[ "$(wc -l < "$dir/err")" -eq 1 ] || fail "50,000 sources: $(head -n 3 "$dir/err")"
[ "$(sums_of "$dir/out" | cut -d ' ' -f 1,2)" = '50001 0' ] || fail "50,000 sources: $(sums_of "$dir/out")"
[ "$peak" -lt 65536 ] || fail "50,000 sources: $peak KiB of memory"
ok "50,000 sources: the same, $peak KiB of memory"
end_test
