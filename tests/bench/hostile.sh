#!/usr/bin/env bash
# Logs that clients have made to hurt: names without end, names that collide, binary, terminal sequences,
# forged lines, dates of every year. Memory, speed, sums, and that nothing gets on the terminal.
# HTTPMON_HOSTILE=10000000 makes logs of so many lines instead of a million; HTTPMON_RUNS=3 runs each thrice, not 5 times;
# HTTPMON_TIMES=10 lets them take ten times as long as a normal log, not 3 times: for machines that are busy.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PWD/target/release:$PATH
scripts/need python3 awk=mawk grep iconv=libc-bin
# shellcheck source=tests/lib.sh
. tests/lib.sh

lines=${HTTPMON_HOSTILE:-1000000}
runs=${HTTPMON_RUNS:-5}
most_kib=65536
most_times=${HTTPMON_TIMES:-3}
program=$(command -v httpmon)

measure() { # LOG OPTION...: CPU seconds and peak memory in KiB; the output is in $dir/out and $dir/err
    local log=$1
    shift
    python3 - "$log" "$dir/out" "$dir/err" "$program" "$@" <<'PYTHON'
import os
import sys

log, out, err, *command = sys.argv[1:]
opened = [os.open(log, os.O_RDONLY)] + [os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for name in (out, err)]
actions = [(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(opened)]
_, status, used = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=actions), 0)
if status:
    sys.exit(f"{command}: status {status}: {open(err, errors='replace').read(300)}")
print(f"{used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss}")
PYTHON
}

# The least CPU seconds, as what disturbs only ever adds, and the greatest peak, which starts at Python's own 13 MiB: $seconds and $peak.
several() { # LOG OPTION...
    local all='' run
    for ((run = 0; run < runs; run++)); do all+=$(measure "$@")$'\n'; done
    seconds=$(printf %s "$all" | sort -n | awk 'NR == 1 { least = $1 } END { print least }')
    peak=$(printf %s "$all" | awk '$2 > most { most = $2 } END { print most }')
}

# Nothing in standard output or error can do harm on a terminal.
is_harmless() { # WHAT
    local file
    for file in "$dir/out" "$dir/err"; do
        # Bytes below the blank but the newline, DEL, C1, and the separators of lines and paragraphs.
        if grep -qaP '[\x00-\x09\x0B-\x1F\x7F]|\xC2[\x80-\x9F]|\xE2\x80[\xA8\xA9]' "$file"; then
            wrong "$1: harmful bytes in ${file##*/}: $(grep -aP '[\x00-\x09\x0B-\x1F\x7F]|\xC2[\x80-\x9F]|\xE2\x80[\xA8\xA9]' "$file" | head -n 1 | cut -c 1-300 | cat -v)"
        fi
        iconv -f UTF-8 -t UTF-8 "$file" > /dev/null 2>&1 || wrong "$1: ${file##*/} is not UTF-8"
    done
}

# A log is held against a normal one of as many lines, with 20 sections, 40 hosts and 40 requests a second, in the
# same run: by the line or, if the lines are long, by the byte.
normal_per_line='' normal_per_byte=''
judge() { # WHAT line|byte OPTION...; the first log after normal_per_line was emptied is the normal one
    local what=$1 unit=$2 log=$dir/log count size ratio per
    shift 2
    count=$(wc -l < "$log")
    size=$(stat -c %s "$log")
    several "$log" "$@"
    [ "$(lines_in "$dir/out")" -eq "$count" ] || wrong "$what: of $count lines there are $(sums_of "$dir/out")"
    is_harmless "$what"
    [ "$peak" -le "$most_kib" ] || wrong "$what: $peak KiB of memory"
    if [ -z "$normal_per_line" ]; then
        normal_per_line=$(awk "BEGIN { print $seconds / $count }")
        normal_per_byte=$(awk "BEGIN { print $seconds / $size }")
    fi
    case $unit in
    line) per=$(awk "BEGIN { print $seconds / $count / $normal_per_line }") ;;
    byte) per=$(awk "BEGIN { print $seconds / $size / $normal_per_byte }") ;;
    esac
    ratio=$(printf %.2f "$per")
    awk "BEGIN { exit !($per <= $most_times) }" || wrong "$what: $ratio times as long a $unit as a normal log"
    ok "$(printf '%-46s %9d lines %6d MB %7.2f s  %s of normal a %s  %5.1f MiB' "$what" "$count" $((size / 1000000)) "$seconds" "$ratio" "$unit" "$(awk "BEGIN { print $peak / 1024 }")")"
    rm "$log"
}

# HOST and PATH are awk expressions of the number i of the record.
records() { # HOST PATH [RATE]: 5000 lines a second unless said otherwise
    awk -v n="$lines" "BEGIN { for (i = 0; i < n; i++)
        printf \"\\\"%s\\\",\\\"-\\\",\\\"-\\\",%d,\\\"GET %s HTTP/1.1\\\",%d,%d\\n\", $1, 1700000000 + i / ${3:-5000}, $2, i % 20 ? 200 : 503, i % 5000 }" > "$dir/log"
}

records 'sprintf("10.0.%d.%d", i % 5, i % 40)' 'sprintf("/section%d/page%d", i % 20, i)' 40
judge 'normal' line
records 'sprintf("10.%d.%d.%d", i / 65536, i / 256 % 256, i % 256)' 'sprintf("/section%d/page", i)'
judge 'every line a new host and a new section' line
records 'sprintf("10.%d.%d.%d", i / 65536, i / 256 % 256, i % 256)' 'sprintf("/section%d/page", i)' 100000
judge 'the same, 100000 of them a second' line
records 'sprintf("10.%d", i * 7919 % n)' 'sprintf("/section%d/page", i * 104729 % n)'
judge 'new hosts and sections in no order' line
records 'sprintf("aaaaaaaa%09dzzzzzzzz", i)' 'sprintf("/aaaaaaa%09dzzzzzzzz", i)'
judge 'new names, the same at start and end' line
records 'sprintf("host%045d%051d", i, i)' 'sprintf("/path%045d%050d/x", i, i)'
judge 'every line new names of 100 bytes' line
records 'sprintf("aaaaaaaa%04dzzzzzzzz", i % 5000)' 'sprintf("/aaaaaaa%04dzzzzzzzz/x", i * 7 % 9000)'
judge 'known names that are the same at start and end' line
records 'sprintf("10.0.%d.%d", i % 5, i % 40)' 'sprintf("/section%d\\033[2J\\033]0;x\\007\\302\\233m", i % 20)'
judge 'terminal sequences in paths' line
# shellcheck disable=SC2016
records 'i % 3 ? "==> x" : "==> x <=="' 'i % 2 ? "==> x <==" : "host,ident,user,time,request,status,bytes"'
judge 'look-alikes of other lines in fields' line
[ "$(grep -c -v '"source":"stdin"' "$dir/out")" -eq 0 ] || wrong 'look-alikes: another source'
[ "$(sums_of "$dir/out")" = "$lines 0 0" ] || wrong "look-alikes: $(sums_of "$dir/out")"

python3 - "$lines" > "$dir/log" <<'PYTHON'
import random
import sys

# Names of bytes that are no text; some of them are shown the same.
chosen = random.Random(1)
write = sys.stdout.buffer.write
allowed = bytes(byte for byte in range(256) if byte not in b'\n",')
for i in range(int(sys.argv[1])):
    name = bytes(chosen.choices(allowed, k=100))
    write(b'%s,-,-,%d,"GET /%s/x HTTP/1.1",200,5\n' % (b"h" + name, 1700000000 + i // 5000, name))
PYTHON
# Nothing foretells random bytes: each costs a wrong guess of the processor or two.
most_times=$((2 * most_times)) judge 'every line new binary names of 100 bytes' line

awk -v n="$lines" 'BEGIN {
    commas = sprintf("%200s", ""); gsub(" ", ",", commas)
    for (i = 0; i < n; i++)
        printf "10.0.%d.%d,-,-,%d,\"GET /section%d/page HTTP/1.1\",200,5%s\n", i % 5, i % 40, 1700000000 + i / 40, i % 20, commas }' > "$dir/log"
most_times=$((2 * most_times)) judge '200 extra commas' line

python3 - "$lines" > "$dir/log" <<'PYTHON'
import sys

# Every byte as a request, alone, in the midst, and in every field.
write = sys.stdout.buffer.write
for i in range(int(sys.argv[1])):
    byte = bytes([i % 256]).replace(b"\n", b"\r")
    fields = [b"10.0.0.%d" % (i % 40), b"-", b"-", b"%d" % (1700000000 + i // 5000), b"GET /section%d/page HTTP/1.1" % (i % 20), b"200", b"5"]
    kind = i // 256 % 12
    if kind < 7:
        fields[kind] = byte * 8 if i % 2 else fields[kind] + byte
    else:
        fields[4] = [byte * 20, b"GET " + byte, byte + b" / HTTP/1.1", b"GET /" + byte + b"/x HTTP/1.1", b"\x16\x03" + byte][kind - 7]
    write(b",".join(fields) + b"\n")
PYTHON
judge 'every byte in every field' line

python3 - "$lines" > "$dir/log" <<'PYTHON'
import sys

# As many bytes as before, in lines of nearly 64 KiB and some of more.
write = sys.stdout.buffer.write
long = b"x" * 65300
for i in range(int(sys.argv[1]) * 70 // 65400):
    host, path = (long, b"s%d" % i) if i % 2 else (b"h%d" % i, long)
    if i % 10 == 9:
        host += long
    write(b'%d%s,-,-,%d,"GET /%d%s/x HTTP/1.1",200,5\n' % (i, host, 1700000000 + i // 10, i, path))
PYTHON
judge 'hosts and sections of 64 KiB' byte
# To read a date takes longer than to read a number, so that what is normal is another log.
dates() { # FIRST_YEAR YEARS: as many lines of each year
    awk -v n="$lines" -v first="$1" -v years="$2" 'BEGIN { for (i = 0; i < n; i++)
        printf "10.0.%d.%d,-,-,%d-01-01T%02d:%02d:%02dZ,\"GET /section%d/page%d HTTP/1.1\",200,5\n", i % 5, i % 40,
            first + int(i * years / n), i / 18000000 % 24, i / 300000 % 60, i / 5000 % 60, i % 20, i }' > "$dir/log"
}
normal_per_line=''
dates 2023 1
judge 'normal, with dates' line
dates 1970 7030
judge 'dates in every year from 1970 to 8999' line
end_test
