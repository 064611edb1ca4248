#!/usr/bin/env bash
# Debian's logrotate, in both of its ways, under tail -F | httpmon: while the writer waits, and while it writes on.
set -euo pipefail
scripts/need logrotate tail=coreutils tee=coreutils awk=mawk python3
# shellcheck source=tests/lib.sh
. tests/lib.sh

header='"remotehost","rfc931","authuser","date","request","status","bytes"'
log=$dir/logs/access.csv
mkdir "$dir/logs"
records() { # FROM TO: ten a second
    awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i < to; i++)
        printf "\"10.0.0.%d\",\"-\",\"-\",%d,\"GET /%d/page HTTP/1.1\",200,%d\n", i % 7, 1549573000 + i / 10, i, i }'
}
configure() { # WAY: the new file begins with a header, as the last script says; the server is told to open it
    cat > "$dir/logrotate.conf" <<CONFIG
$log {
    rotate 100
    $1
    postrotate
        echo '$header' >> $log
        touch $dir/reopen
    endscript
}
CONFIG
    chmod 600 "$dir/logrotate.conf"
}
rotate() { logrotate --force --state "$dir/state" "$dir/logrotate.conf" || fail "logrotate: status $?"; }
follow() {
    rm -rf "$dir"/logs/* "$dir"/{raw,out,err,tail.err,followed,copied,reopen,state}
    printf '%s\n' "$header" > "$log"
    mkfifo "$dir/followed" "$dir/copied"
    tail -n +1 -F "$log" > "$dir/followed" 2> "$dir/tail.err" &
    follower=$!
    tee "$dir/raw" < "$dir/followed" > "$dir/copied" &
    httpmon < "$dir/copied" > "$dir/out" 2> "$dir/err" &
    monitor=$!
}
passed_on() { until_true "tail passes on request $1" has "$dir/raw" "\"GET /$1/page"; }
headers_passed_on() { until_true "tail passes on $1 headers" has_headers "$1"; }
has_headers() { [ "$(grep -c remotehost "$dir/raw" 2> /dev/null)" = "$1" ]; }
finish() { # WHAT
    kill "$follower"
    ends_with "$monitor" 0 "$1"
    [ "$(lines_in "$dir/out")" -eq "$(line_count "$dir/raw")" ] ||
        fail "$1: the sums are $(sums_of "$dir/out"), the lines $(line_count "$dir/raw")"
    httpmon < "$dir/raw" > "$dir/expected" 2> /dev/null
    same_bytes "$1" "$dir/expected" "$dir/out"
}

for way in create copytruncate; do
    configure "$way"
    follow
    for part in 0 1 2 3; do
        records $((part * 500)) $((part * 500 + 500)) >> "$log"
        passed_on $((part * 500 + 499))
        rotate
        headers_passed_on $((part + 2))
    done
    finish "$way"
    [ -s "$log.4" ] || fail "$way: logrotate has not rotated four times"
    [ ! -s "$dir/err" ] || fail "$way: not quiet: $(head -n 3 "$dir/err")"
    [ "$(sums_of "$dir/out")" = '2000 0 5' ] || fail "$way: requests, malformed, skipped are $(sums_of "$dir/out")"
    ok "logrotate with $way, four times: no line is malformed, and every one is counted"
done

write_on() { # a server that writes line by line, and opens its log again when it is told to
    local line lines=0
    exec 5>> "$log"
    while IFS= read -r line; do
        if [ -e "$dir/reopen" ]; then
            rm "$dir/reopen"
            exec 5>> "$log"
        fi
        printf '%s\n' "$line" >&5
        lines=$((lines + 1))
        [ $((lines % 50)) -ne 0 ] || sleep 0.01
        case $((lines % 2000)) in
        0) : > "$dir/written.$lines" ;; # now it may be rotated, while so many lines more are written
        500) [ "$lines" -eq 500 ] || until_true 'it is rotated' test -e "$dir/rotated.$((lines - 500))" ;;
        esac
    done < "$dir/lines"
}
records 0 8000 > "$dir/lines"
for way in create copytruncate; do
    configure "$way"
    follow
    rm -f "$dir"/written.* "$dir"/rotated.*
    headers_passed_on 1
    beside write_on
    for lines in 2000 4000 6000; do
        until_true "$lines lines are written" test -e "$dir/written.$lines"
        passed_on $((lines - 1))
        rotate
        headers_passed_on $((lines / 2000 + 1))
        : > "$dir/rotated.$lines"
    done
    join
    passed_on 7999
    finish "$way while lines are written"
    # What tail has torn is what nobody wrote.
    printf '%s\n' "$header" | cat "$dir/lines" - |
        awk 'NR == FNR { written[$0]; next } !($0 in written)' - "$dir/raw" > "$dir/torn"
    [ "$(malformed_in "$dir/out")" -eq "$(line_count "$dir/torn")" ] ||
        fail "$way while lines are written: $(malformed_in "$dir/out") malformed; torn are: $(cat "$dir/torn")"
    missed=$((8000 - $(requests_in "$dir/out") - $(line_count "$dir/torn")))
    ok "logrotate with $way while lines are written: all that tail wrote is counted (tail missed $missed of 8000 lines, tore $(line_count "$dir/torn"))"
done

# The stanza that is installed, and httpmon-follow in place of tail: nothing is waited for, and nothing is lost.
rm -rf "$dir"/logs/* "$dir"/{raw,out,err,tail.err,followed,copied,reopen,state} "$dir"/written.* "$dir"/rotated.*
sed "s|/var/log/nginx/\*.csv|$log|; s|^ *if \[ -f /run/nginx.pid.*|echo '$header' >> $log; touch $dir/reopen|" scripts/logrotate/httpmon-access > "$dir/logrotate.conf"
grep -qF "touch $dir/reopen" "$dir/logrotate.conf" || fail "not the stanza: $(cat "$dir/logrotate.conf")"
chmod 600 "$dir/logrotate.conf"
printf '%s\n' "$header" > "$log"
mkfifo "$dir/followed"
httpmon-follow -q "$log" > "$dir/followed" &
follower=$!
httpmon < "$dir/followed" > "$dir/out" 2> "$dir/err" &
monitor=$!
beside write_on
for lines in 2000 4000 6000; do
    until_true "$lines lines are written" test -e "$dir/written.$lines"
    rotate
    : > "$dir/rotated.$lines"
done
join
passed_all() { [ "$(sed -n 's/^wchar: //p' "/proc/$follower/io")" -ge "$(($(wc -c < "$dir/lines") + 4 * (${#header} + 1)))" ]; }
until_true 'httpmon-follow passes all on' passed_all
kill "$follower"
ends_with "$monitor" 0 'httpmon-follow'
[ "$(sums_of "$dir/out")" = '8000 0 4' ] || fail "httpmon-follow: requests, malformed, skipped are $(sums_of "$dir/out")"
[ -s "$log.3.gz" ] || fail "not rotated three times: $(ls "$dir/logs")"
ok 'the stanza for access logs, three times while lines are written, and httpmon-follow: every line is counted, none torn'
end_test
