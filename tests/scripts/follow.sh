#!/usr/bin/env bash
# httpmon-follow: every line once and in order, whatever becomes of the files.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need python3 gzip
# shellcheck source=tests/lib.sh
. tests/lib.sh
mkdir "$dir/logs"
log=$dir/logs/access.csv
lines() { seq -f "$1 %.0f" "$2" "$3"; } # WORD FROM TO
fresh() { rm -rf "$dir"/logs/* "$dir/out" "$dir/err"; }
follow() { # ARGUMENT...: into out and err
    : > "$dir/out"
    httpmon-follow "$@" >> "$dir/out" 2> "$dir/err" &
    pid=$!
}
end() { kill "$pid"; wait "$pid" || :; }
holds() { until_true "the output has $1" has "$dir/out" "$1"; }
is_out() { same_bytes "$1" "$dir/expected" "$dir/out"; } # WHAT

# What a replay begins with.
lines third 1 3 | gzip > "$log.3.gz"
lines second 1 3 | gzip > "$log.2.gz"
lines first 1 3 > "$log.1"
lines now 1 2 > "$log"
printf 'no end' >> "$log"
follow "$log"
holds 'now 2'
end
{ printf '==> %s <==\n' "$log"; cat "$log.1"; lines now 1 2; } > "$dir/expected"
is_out 'a replay'
ok 'first the newest rotated file, then the log; a line without its end is waited for'
follow --all -q "$log"
holds 'now 2'
end
{ lines third 1 3; lines second 1 3; lines first 1 3; lines now 1 2; } > "$dir/expected"
is_out --all
ok '--all begins with the oldest, compressed or not; -q writes no names'
fresh
lines old 1 3 > "$log-20261126"
lines new 1 3 | gzip > "$log-20261127.gz"
head -c 5 <<< "$(lines new 1 3)" | gzip > "$log-20261127.gz.tmp"
follow --all -q "$log"
holds 'new 3'
lines now 1 3 > "$log"
holds 'now 3'
end
{ lines old 1 3; lines new 1 3; lines now 1 3; } > "$dir/expected"
is_out 'dated files'
grep -qxF "httpmon-follow: $log: No such file or directory; waiting for it" "$dir/err" || fail "$(cat "$dir/err")"
ok 'files with dates are known, and a log that is not there is said and waited for'

# A server that never pauses: its two processes go on with the old file for a while after it was renamed, one longer.
# If that one is held up for a second, lines of the old file come after some of the new one, but none is torn.
fresh
cat > "$dir/writer.py" <<'PYTHON'
import os, sys, time
path, count, rotations = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
logs, reopen = [open(path, "ab", buffering=0) for _ in range(2)], {}
for number in range(count):
    line = b"line %d\n" % number
    log = logs[number % 2]
    half = number % len(line) if number % 2 == 0 else 0  # a line may be read before it is whole
    log.write(line[:half])
    log.write(line[half:])
    if number % 50 == 0:
        time.sleep(0.01)  # the pace
    if number % (count // (rotations + 1)) == 0 and number:
        for old in range(rotations, 0, -1):
            if os.path.exists(f"{path}.{old}"):
                os.rename(f"{path}.{old}", f"{path}.{old + 1}")
        os.rename(path, path + ".1")
        open(path, "ab").close()
        reopen = {number + 200: 0, number + 2400: 1}
    if number in reopen:
        logs[reopen[number]].close()
        logs[reopen[number]] = open(path, "ab", buffering=0)
PYTHON
: > "$log"
follow -q "$log"
python3 "$dir/writer.py" "$log" 20000 5
holds 'line 19999'
end
[ "$(line_count "$dir/out")" = 20000 ] && [ "$(sort -u "$dir/out" | wc -l)" = 20000 ] || fail 'not every line once'
for file in "$log".{6,5,4,3,2,1} "$log"; do
    awk 'NR == FNR { written[$0]; next } $0 in written' "$file" "$dir/out" | cmp - "$file" || fail "not in the order of $file"
done
ok 'a server that never pauses, six rotations, up to 2,400 lines more in each renamed file: all lines, each file in its order'

# A reader that is slow: several rotations go by between two looks.
fresh
mkfifo "$dir/pipe"
lines 0 1 20000 > "$log"
httpmon-follow -q "$log" > "$dir/pipe" 2> "$dir/err" &
pid=$!
exec 9< "$dir/pipe"
until_true 'it has opened the log' is_in_state "$pid" S
IFS= read -r first <&9
[ "$first" = '0 1' ] || fail "$first"
for rotation in 1 2 3; do
    for old in 3 2; do [ ! -e "$log.$old.gz" ] || mv "$log.$old.gz" "$log.$((old + 1)).gz"; done
    [ ! -e "$log.1" ] || { mv "$log.1" "$log.2"; gzip "$log.2"; }
    mv "$log" "$log.1"
    lines "$rotation" 1 20000 > "$log"
done
cat <&9 > "$dir/out" &
reader=$!
exec 9<&-
holds '3 20000'
end
wait "$reader"
for rotation in 0 1 2 3; do lines "$rotation" 1 20000; done | sed 1d > "$dir/expected"
is_out 'a slow reader'
ok 'three rotations while the reader is slow: the files in between are read, compressed ones too'

# Lines that a process writes to a file that was left long ago, and a last line that was torn.
fresh
lines old 1 2 > "$log"
exec 8>> "$log"
follow -q "$log"
holds 'old 2'
printf 'torn' >> "$log"
mv "$log" "$log.1"
lines new 1 2 > "$log"
holds 'new 2'
printf 'late 1\n' >&8
holds 'late 1'
lines new 3 4 >> "$log"
holds 'new 4'
end
exec 8>&-
{ lines old 1 2; echo torn; lines new 1 2; echo 'late 1'; lines new 3 4; } > "$dir/expected"
is_out 'a straggler'
ok 'what is written to a renamed file later is read too, and a torn line is not glued to the next'

fresh
lines old 1 3 > "$log"
follow -q "$log"
holds 'old 3'
cp "$log" "$log.1"
: > "$log"
lines new 1 2 >> "$log"
holds 'new 2'
end
{ lines old 1 3; lines new 1 2; } > "$dir/expected"
is_out 'copytruncate'
ok 'a file that was emptied is read from its start'

fresh
follow "$dir/logs/*.csv"
until_true 'it says so' has "$dir/err" "$dir/logs/*.csv: no file matches yet; waiting for one"
lines a 1 2 > "$dir/logs/a.csv"
holds 'a 2'
printf 'a 3' >> "$dir/logs/a.csv"
{ lines b 1 2; } > "$dir/logs/b.csv"
holds 'b 2'
printf '!\n' >> "$dir/logs/a.csv"
holds 'a 3!'
lines b 3 3 >> "$dir/logs/b.csv"
holds 'b 3'
mv "$dir/logs/b.csv" "$dir/logs/b.csv.1"
lines c 1 1 > "$dir/logs/b.csv"
holds 'c 1'
end
{
    printf '==> %s <==\n' "$dir/logs/a.csv"; lines a 1 2
    printf '==> %s <==\n' "$dir/logs/b.csv"; lines b 1 2
    printf '==> %s <==\na 3!\n' "$dir/logs/a.csv"
    printf '==> %s <==\nb 3\nc 1\n' "$dir/logs/b.csv"
} > "$dir/expected"
is_out 'a pattern'
ok 'files that match a pattern later are followed, rotated ones are not taken for logs, and no line is torn between two'

fresh
lines old 1 3 > "$log"
head -c 3000000 /dev/zero | tr '\0' x > "$dir/logs/long"
httpmon-follow "$log" 2> "$dir/err" | head -n 1 > /dev/null
[ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
ok 'a reader that goes away ends it, though nothing is written'
follow "$dir/logs/long" "$log"
holds 'old 3'
end
[ "$(wc -c < "$dir/out")" -ge 3000000 ] && grep -qx "==> $log <==" "$dir/out" || fail 'a long line'
ok 'a line of megabytes without an end does not swallow the next file'
for arguments in '' '--colour a'; do
    status=0
    # shellcheck disable=SC2086
    httpmon-follow $arguments > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] && [ ! -s "$dir/out" ] || fail "status $status for: $arguments"
done
status=0
httpmon-follow "$log" > /dev/full 2> "$dir/err" || status=$?
[ "$status" = 2 ] && grep -q 'No space left' "$dir/err" || fail 'a full disk'
httpmon-follow --help > "$dir/out"
[ "$(head -n 1 "$dir/out")" = 'usage: httpmon-follow [-q] [--all] LOG...' ] && [ "$(awk 'length > 79' "$dir/out")" = '' ] || fail 'help'
ok 'wrong usage is one line and status 2, --help is help'
