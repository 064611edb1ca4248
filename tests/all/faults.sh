#!/usr/bin/env bash
# What goes wrong around a filter: disks, descriptors, reads, signals, stops, blocked pipes and wrong clocks.
set -euo pipefail
scripts/need strace faketime=faketime python3 awk=mawk nohup=coreutils unshare=util-linux pgrep=procps
# shellcheck source=tests/lib.sh
. tests/lib.sh

old=1549573000
records() { # FROM TO PER: PER records a second, from $1 seconds on
    awk -v from="$1" -v to="$2" -v per="$3" 'BEGIN { for (t = from; t < to; t++) for (i = 0; i < per; i++)
        printf "10.0.0.%d,-,-,%d,\"GET /%s/%d HTTP/1.1\",200,%d\n", i % 7, t, substr("abcdef", 1 + t % 6, 1), i, t % 1000 }'
}
{ echo 'host,ident,user,time,request,status,bytes'; records $old $((old + 2000)) 8; } > "$dir/log"
{ echo 'nonsense'; cat "$dir/log"; echo '"open'; } > "$dir/bad"
httpmon < "$dir/log" > "$dir/expected" 2> "$dir/expected_err"
[ ! -s "$dir/expected_err" ] || fail "not quiet: $(cat "$dir/expected_err")"
httpmon < "$dir/bad" > "$dir/expected_bad" 2> "$dir/expected_bad_err"
says() { # FILE TEXT WHAT: that one line and no other
    [ "$(cat "$1")" = "httpmon: $2" ] || fail "$3: it says: $(head -c 500 "$1")"
}

# --- Disks.
full_disk() { # FILE
    local status=0
    httpmon < "$dir/log" > "$1" 2> "$dir/err" || status=$?
    [ "$status" -eq 2 ] || fail "a full disk: status $status"
}
full_disk /dev/full
says "$dir/err" 'standard output: No space left on device (os error 28)' 'a full disk'
(trap '' XFSZ && ulimit -f 16 && full_disk "$dir/limited")
says "$dir/err" 'standard output: File too large (os error 27)' 'a file that may not grow'
cmp -s -n "$(stat -c %s "$dir/limited")" "$dir/limited" "$dir/expected" || fail 'a file that may not grow: other bytes than without'
mkdir "$dir/small"
is_mounted=
if mount -t tmpfs -o size=64k none "$dir/small" 2> /dev/null; then
    is_mounted=yes
    trap 'umount "$dir/small" 2> /dev/null; clean_up' EXIT
    full_disk "$dir/small/out"
    says "$dir/err" 'standard output: No space left on device (os error 28)' 'a small file system'
    cmp -s -n "$(stat -c %s "$dir/small/out")" "$dir/small/out" "$dir/expected" || fail 'a small file system: other bytes than on a large one'
    [ "$(tail -c 1 "$dir/small/out" | od -An -c)" = '  \n' ] || fail 'a small file system: a torn event is left'
    rm "$dir/small/out"
fi
ok 'a full disk is status 2 and one line; what found room is what would have been there'

full_rejects() { # FILE LINE
    local status=0
    httpmon --rejects "$1" < "$dir/bad" > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" -eq 2 ] || fail "a full disk for --rejects: status $status"
    [ "$(tail -n 1 "$dir/err")" = "httpmon: --rejects: $2" ] || fail "a full disk for --rejects: $(cat "$dir/err")"
    # What was read is written as at the end of input; how much that is depends on the pieces.
    [ "$(wc -l < "$dir/out")" -gt 0 ] || fail 'a full disk for --rejects: no event is written'
}
full_rejects /dev/full 'No space left on device (os error 28)'
if [ "$is_mounted" ]; then
    head -c 60000 /dev/zero > "$dir/small/filler"
    { cat "$dir/log"; awk 'BEGIN { for (i = 0; i < 1000; i++) print "nonsense nonsense nonsense" }'; } > "$dir/much"
    status=0
    httpmon --rejects "$dir/small/rejects" < "$dir/much" > "$dir/out" 2> "$dir/err" || status=$?
    if [ "$status" -ne 2 ] || ! has "$dir/err" '--rejects: No space left on device'; then fail "a full file system for --rejects: status $status: $(tail -n 1 "$dir/err")"; fi
    [ "$(requests_in "$dir/out")" -eq 16000 ] || fail "a full file system for --rejects: $(requests_in "$dir/out") requests"
    umount "$dir/small"
    trap clean_up EXIT
fi
status=0
httpmon --rejects "$dir/nowhere/rejects" < "$dir/bad" > "$dir/out" 2> "$dir/err" || status=$?
if [ "$status" -ne 2 ] || [ -s "$dir/out" ]; then fail "--rejects that can't be made: status $status"; fi
ok 'a full disk for --rejects is status 2 and one line, and the events of what was read are written'

# --- Descriptors.
status=0
httpmon < "$dir/log" 2> "$dir/err" 1< /dev/null || status=$?
[ "$status" -eq 2 ] || fail "a standard output that can't be written to: status $status"
says "$dir/err" 'standard output: Bad file descriptor (os error 9)' "a standard output that can't be written to"
status=0
httpmon 0> "$dir/written" > "$dir/out" 2> "$dir/err" || status=$?
if [ "$status" -ne 2 ] || [ -s "$dir/out" ]; then fail "a standard input that can't be read: status $status"; fi
says "$dir/err" 'standard input: Bad file descriptor (os error 9)' "a standard input that can't be read"
status=0
httpmon > "$dir/out" 2> "$dir/err" < "$dir" || status=$?
if [ "$status" -ne 2 ] || [ -s "$dir/out" ]; then fail "a directory: status $status"; fi
says "$dir/err" 'standard input: Is a directory (os error 21)' 'a directory'
ok 'descriptors that can not be read or written are status 2 and one line'
status=0
httpmon <&- > "$dir/out" 2> "$dir/err" || status=$?
if [ -s "$dir/out" ] || [ "$(wc -l < "$dir/err")" -gt 1 ]; then fail "a closed standard input: $(cat "$dir/out" "$dir/err")"; fi
case $status in 0 | 2) ;; *) fail "a closed standard input: status $status" ;; esac
httpmon < /dev/null > "$dir/out" 2> "$dir/err" || fail "an empty input: status $?"
[ -z "$(cat "$dir/out" "$dir/err")" ] || fail "an empty input: $(cat "$dir/out" "$dir/err")"
ok 'a closed standard input is not worse than an empty one, which is status 0 and silent'
for err in '>&-' '> /dev/full' '< /dev/null'; do
    status=0
    eval "httpmon < \"\$dir/bad\" > \"\$dir/out\" 2$err" || status=$?
    [ "$status" -eq 0 ] || fail "standard error $err: status $status"
    same_bytes "standard error $err" "$dir/expected_bad" "$dir/out"
done
ok 'a standard error that is closed, full or not writable changes nothing'
for stream in in out; do
    python3 - "$stream" "$dir/log" "$dir/out" << 'PYTHON' || fail "a standard ${stream}put that doesn't block: status $?"
import fcntl, os, subprocess, sys, threading
stream, log, out = sys.argv[1:]
read_end, write_end = os.pipe()
mine = write_end if stream == "in" else read_end
theirs = read_end if stream == "in" else write_end
fcntl.fcntl(theirs, fcntl.F_SETFL, fcntl.fcntl(theirs, fcntl.F_GETFL) | os.O_NONBLOCK)
if stream == "in":
    child = subprocess.Popen(["httpmon"], stdin=theirs, stdout=open(out, "wb"))
    os.close(theirs)
    with os.fdopen(mine, "wb") as pipe, open(log, "rb") as file:
        pipe.write(file.read())
else:
    child = subprocess.Popen(["httpmon"], stdin=open(log, "rb"), stdout=theirs)
    os.close(theirs)
    with os.fdopen(mine, "rb") as pipe, open(out, "wb") as file:
        file.write(pipe.read())
sys.exit(child.wait(60))
PYTHON
    same_bytes "a standard ${stream}put that doesn't block" "$dir/expected" "$dir/out"
done
ok 'descriptors that another program made non-blocking change nothing'

# --- Readers that go away.
records $old $((old + 60000)) 1 > "$dir/long"
status=0
{ httpmon -i 1 < "$dir/long" 2> "$dir/err" || echo "status $?" >> "$dir/err"; } | head -n 1 > "$dir/out"
[ ! -s "$dir/err" ] || fail "head -n 1: $(cat "$dir/err")"
mkfifo "$dir/in" "$dir/to_reader"
httpmon -i 1 --lateness 0 < "$dir/in" > "$dir/to_reader" 2> "$dir/err" &
monitor=$!
cat < "$dir/to_reader" > "$dir/out" &
reader=$!
exec 3> "$dir/in"
records $old $((old + 5)) 1 >&3
until_true 'the reader gets events' has_lines "$dir/out" 3
{ kill -9 "$reader" && wait "$reader"; } 2> /dev/null || true
records $((old + 5)) $((old + 9)) 1 >&3
ends_with "$monitor" 0 'a reader that is killed'
exec 3>&-
[ ! -s "$dir/err" ] || fail "a reader that is killed: $(cat "$dir/err")"
rm "$dir/in" "$dir/to_reader" "$dir/long"
ok 'a reader that leaves or is killed is status 0 and silent'

# --- Reads and writes that fail or are interrupted.
traced() { # INJECTION...: with the log as the file that it concerns
    strace -qq -f -o "$dir/strace" "$@" httpmon < "$dir/log" > "$dir/out" 2> "$dir/err"
}
if traced -P "$dir/log" -e trace=read 2> /dev/null && [ "$(grep -c ' read(' "$dir/strace")" -ge 4 ]; then
    httpmon < "$dir/log" > "$dir/out" # a file is read in equal pieces; the first read says how long they are
    piece=$(sed -n 's/.* read(.*) = \([0-9]*\)$/\1/p' "$dir/strace" | head -n 1 || true)
    for n in 1 2 3; do
        status=0
        traced -P "$dir/log" -e trace=read -e "inject=read:error=EIO:when=$n" || status=$?
        [ "$status" -eq 2 ] || fail "a read error: status $status"
        head -c $((piece * (n - 1))) "$dir/log" | httpmon > "$dir/got" 2> "$dir/got_err"
        echo 'httpmon: standard input: Input/output error (os error 5)' >> "$dir/got_err"
        same_bytes 'the diagnostics of a read error' "$dir/got_err" "$dir/err"
        same_bytes 'a read error' "$dir/got" "$dir/out"
    done
    ok 'after a read error what was read is written as at the end of input, and the status is 2'
    traced -P "$dir/log" -e trace=read -e inject=read:error=EINTR:when=1+2 || fail "interrupted reads: status $?"
    same_bytes 'interrupted reads' "$dir/expected" "$dir/out"
    : > "$dir/out"
    traced -P "$dir/out" -e trace=write -e inject=write:error=EINTR:when=1+2 || fail "interrupted writes: status $?"
    same_bytes 'interrupted writes' "$dir/expected" "$dir/out"
    for call in poll ppoll; do
        traced -e trace="$call" -e "inject=$call:error=EINTR:when=1+2" 2> /dev/null || fail "interrupted polls: status $?"
        same_bytes 'interrupted polls' "$dir/expected" "$dir/out"
    done
    ok 'calls that are interrupted change nothing'
    status=0
    traced -P "$dir/out" -e trace=write -e inject=write:error=EIO:when=2 || status=$?
    [ "$status" -eq 2 ] || fail "a write error: status $status"
    says "$dir/err" 'standard output: Input/output error (os error 5)' 'a write error'
    ok 'a write error in the middle is status 2 and one line'
else
    wrong 'strace can not trace here'
fi

# --- From here on live pipes; each function is on its own, with its own names.
start() { # NAME COMMAND...: sets monitor; then `exec 3> "$dir/$1.in"` opens its input
    local name=$1
    shift
    rm -f "$dir/$name.in"
    mkfifo "$dir/$name.in"
    "$@" < "$dir/$name.in" > "$dir/$name.out" 2> "$dir/$name.err" &
    monitor=$!
}
base=0 # bytes that were read before its input
has_started() {
    until_true 'it has started' catches_sigterm "$monitor"
    base=$(bytes_read "$monitor")
    written=0
}
feed() { # FILE: to descriptor 3
    cat "$1" >&3
    written=$((written + $(stat -c %s "$1")))
}
has_read() { [ "$(bytes_read "$monitor")" -ge $((base + written)) ]; }
is_quiet() { [ ! -s "$dir/$1.err" ] || fail "$1: not quiet: $(head -n 3 "$dir/$1.err")"; }
status_of() { case $1 in INT) echo 130 ;; TERM) echo 143 ;; HUP) echo 129 ;; esac; }
defaults=(env --default-signal=INT --default-signal=TERM --default-signal=HUP) # a script's background jobs ignore SIGINT

storm() {
    start storm httpmon
    exec 3> "$dir/storm.in"
    has_started
    (
        trap - EXIT
        while kill -WINCH "$monitor" && kill -CHLD "$monitor" && kill -CONT "$monitor" && kill -URG "$monitor"; do :; done 2> /dev/null
    ) 3>&- & # it must not hold the input open
    split -l 400 "$dir/log" "$dir/storm.part."
    for part in "$dir"/storm.part.*; do
        feed "$part"
        until_true 'it reads on' has_read
    done
    exec 3>&-
    ends_with "$monitor" 0 'a storm of signals'
    same_bytes 'a storm of signals' "$dir/expected" "$dir/storm.out"
    ok 'a storm of harmless signals changes nothing'
}

signals() {
    local signal
    for signal in INT TERM HUP; do
        start signals "${defaults[@]}" httpmon
        exec 3> "$dir/signals.in"
        has_started
        kill "-$signal" "$monitor"
        ends_with "$monitor" "$(status_of $signal)" "SIG$signal before any input"
        exec 3>&-
        [ ! -s "$dir/signals.out" ] || fail "SIG$signal before any input: $(head -n 1 "$dir/signals.out")"
        is_quiet signals

        start signals "${defaults[@]}" httpmon
        exec 3> "$dir/signals.in"
        has_started
        feed "$dir/log"
        until_true 'it reads all' has_read
        kill "-$signal" "$monitor"
        ends_with "$monitor" "$(status_of $signal)" "SIG$signal in the middle"
        exec 3>&-
        same_bytes "SIG$signal in the middle" "$dir/expected" "$dir/signals.out"
        is_quiet signals

        # What had come before the signal is read, even if it came while the process was stopped.
        head -n 500 "$dir/log" > "$dir/signals.some"
        start signals "${defaults[@]}" httpmon
        exec 3> "$dir/signals.in"
        has_started
        kill -STOP "$monitor"
        until_true 'it is stopped' is_in_state "$monitor" T
        feed "$dir/signals.some"
        kill "-$signal" "$monitor"
        kill -CONT "$monitor"
        ends_with "$monitor" "$(status_of $signal)" "SIG$signal after unread input"
        exec 3>&-
        httpmon < "$dir/signals.some" > "$dir/signals.expected"
        cmp -s "$dir/signals.expected" "$dir/signals.out" ||
            wrong "SIG$signal while stopped with input waiting: $(requests_in "$dir/signals.out") of $(requests_in "$dir/signals.expected") requests are counted"

        # A writer that never stops.
        rm "$dir/signals.in"
        mkfifo "$dir/signals.in"
        yes '10.0.0.1,-,-,1549573860,"GET /a HTTP/1.1",200,1' > "$dir/signals.in" 2> /dev/null &
        "${defaults[@]}" httpmon < "$dir/signals.in" > "$dir/signals.out" 2> "$dir/signals.err" &
        monitor=$!
        has_started
        written=1000000
        until_true 'it reads' has_read
        kill "-$signal" "$monitor"
        ends_with "$monitor" "$(status_of $signal)" "SIG$signal while the input never ends"
        [ "$(requests_in "$dir/signals.out")" -gt 0 ] || fail "SIG$signal while the input never ends: no summary"
        # The writer may have been in the middle of a line.
        [ "$(malformed_in "$dir/signals.out")" -le 1 ] || is_quiet signals

        # While the reader doesn't read: the first one waits for it, a second one kills at once.
        for second in none INT TERM HUP; do
            rm -f "$dir/signals.in" "$dir/signals.to_reader"
            mkfifo "$dir/signals.in" "$dir/signals.to_reader"
            "${defaults[@]}" httpmon -i 1 < "$dir/signals.in" > "$dir/signals.to_reader" 2> "$dir/signals.err" &
            monitor=$!
            exec 3> "$dir/signals.in" 4< "$dir/signals.to_reader"
            has_started
            feed "$dir/signals.some_seconds"
            until_true 'its output is full' is_full 4
            kill "-$signal" "$monitor"
            until_true "SIG$signal is caught" has_caught "$monitor" "$signal"
            is_gone "$monitor" && fail "SIG$signal while the output is blocked: it is gone"
            if [ "$second" = none ]; then
                cat <&4 > "$dir/signals.out"
                ends_with "$monitor" "$(status_of $signal)" "SIG$signal while the output is blocked, then released"
                httpmon -i 1 < "$dir/signals.some_seconds" > "$dir/signals.expected"
                same_bytes "SIG$signal while the output is blocked, then released" "$dir/signals.expected" "$dir/signals.out"
            else
                kill "-$second" "$monitor"
                ends_with "$monitor" "$(status_of $second)" "SIG$signal, then SIG$second while the output is blocked"
            fi
            exec 3>&- 4<&-
            is_quiet signals
        done
    done
    ok 'SIGINT, SIGTERM and SIGHUP at any stage: all that was read is written, then it dies of the signal; a second one kills at once'
}
records $old $((old + 200)) 3 > "$dir/signals.some_seconds"
is_full() { # FD: of a pipe that nobody reads
    python3 -c 'import fcntl, struct, sys, termios
sys.exit(struct.unpack("i", fcntl.ioctl(int(sys.argv[1]), termios.FIONREAD, bytes(4)))[0] < 60000)' "$1"
}
has_caught() { # PID SIGNAL: it isn't pending
    local pending bit
    bit=$(($(kill -l "$2") - 1))
    pending=$(sed -n 's/^S[ih][gd]Pnd:[^0-9a-f]*//p' "/proc/$1/status" | tr '\n' ' ')
    for pending in $pending; do [ $((0x$pending >> bit & 1)) -eq 0 ] || return 1; done
}

# shellcheck disable=SC2317 # it is called by its name
has_child() { monitor=$(pgrep -P "$outer"); }
pid_1() { # of a container: a signal whose action is the default one doesn't end it
    local namespace=(unshare --pid --fork) outer signal
    [ "$(id -u)" = 0 ] || namespace+=(--user --map-root-user)
    if ! "${namespace[@]}" true 2> /dev/null; then
        ok '(no right to make a namespace: process 1 is not tested)'
        return
    fi
    for signal in TERM HUP INT; do
        start pid_1 "${defaults[@]}" "${namespace[@]}" httpmon
        exec 3> "$dir/pid_1.in"
        outer=$monitor
        until_true 'the namespace is made' has_child
        has_started
        feed "$dir/log"
        until_true 'it reads all' has_read
        kill "-$signal" "$monitor"
        ends_with "$outer" "$(status_of $signal)" "SIG$signal to process 1"
        exec 3>&-
        same_bytes "SIG$signal to process 1" "$dir/expected" "$dir/pid_1.out"
        is_quiet pid_1
    done
    ok 'process 1 of a container writes what is open and ends with 128 + the signal'
}

ignored() {
    start ignored nohup httpmon
    exec 3> "$dir/ignored.in"
    has_started
    feed "$dir/log"
    until_true 'it reads all' has_read
    kill -HUP "$monitor"
    records $((old + 2000)) $((old + 2001)) 1 > "$dir/ignored.more"
    feed "$dir/ignored.more"
    until_true 'it reads on after SIGHUP' has_read
    exec 3>&-
    ends_with "$monitor" 0 nohup
    cat "$dir/log" "$dir/ignored.more" | httpmon > "$dir/ignored.expected"
    same_bytes nohup "$dir/ignored.expected" "$dir/ignored.out"

    start ignored env --default-signal=TERM,HUP --ignore-signal=INT httpmon
    exec 3> "$dir/ignored.in"
    has_started
    feed "$dir/log"
    until_true 'it reads all' has_read
    kill -INT "$monitor"
    kill -INT "$monitor"
    feed "$dir/ignored.more"
    until_true 'it reads on after SIGINT' has_read
    kill -TERM "$monitor"
    ends_with "$monitor" 143 'a background job'
    exec 3>&-
    same_bytes 'a background job' "$dir/ignored.expected" "$dir/ignored.out"
    ok 'signals that were ignored at the start stay ignored: nohup, background jobs of a script'
}

# --- Silence that is none. The records are fresh, so that silence would move time.
milliseconds() { echo $(($(date +%s%N) / 1000000)); } # wall clock, for lengths only
wait_seconds() { # that silence, if it were one, would last so long
    local end
    end=$(($(milliseconds) + $1 * 1000 + 200))
    while [ "$(milliseconds)" -lt "$end" ]; do sleep 0.1; done
}

stops() { # all records are of one second: were time moved on once, the next would be late
    local round awake began now
    for _ in 1 2 3; do
        now=$(date +%s)
        start stops httpmon -i 1 --lateness 0 --idle-timeout 1
        exec 3> "$dir/stops.in"
        has_started
        records "$now" $((now + 1)) 1 > "$dir/stops.record"
        feed "$dir/stops.record"
        until_true 'it reads' has_read
        awake=0
        for round in $(seq 20); do
            kill -STOP "$monitor"
            until_true 'it is stopped' is_in_state "$monitor" T
            [ "$round" -eq 1 ] || awake=$((awake > $(milliseconds) - began ? awake : $(milliseconds) - began))
            wait_seconds 2
            feed "$dir/stops.record"
            began=$(milliseconds)
            kill -CONT "$monitor"
            until_true 'it reads on' has_read
        done
        exec 3>&-
        ends_with "$monitor" 0 'twenty stops'
        # It was awake and heard nothing for so long that this machine is too slow to tell: once more.
        [ "$awake" -ge 900 ] || break
    done
    [ "$(sums_of "$dir/stops.out")" = '21 0 0' ] || fail "twenty stops: $(sums_of "$dir/stops.out")"
    is_quiet stops
    if [ "$(wc -l < "$dir/stops.out")" -ne 1 ] || ! has "$dir/stops.out" '"late":0'; then
        fail "twenty stops, awake for at most $awake ms: $(cat "$dir/stops.out")"
    fi
    ok 'stopped twenty times for two idle timeouts, with data waiting: no silence is made up'
}

blocked() {
    local now
    now=$(date +%s)
    records $((now - 200)) "$now" 3 > "$dir/blocked.log"
    records $((now - 1)) "$now" 20 > "$dir/blocked.more"
    mkfifo "$dir/blocked.in" "$dir/blocked.to_reader"
    httpmon -i 1 --lateness 0 --idle-timeout 1 < "$dir/blocked.in" > "$dir/blocked.to_reader" 2> "$dir/blocked.err" &
    monitor=$!
    exec 3> "$dir/blocked.in" 4< "$dir/blocked.to_reader"
    has_started
    feed "$dir/blocked.log"
    until_true 'its output is full' is_full 4
    wait_seconds 3
    feed "$dir/blocked.more"
    wait_seconds 3
    exec 3>&-
    cat <&4 > "$dir/blocked.out"
    exec 4<&-
    ends_with "$monitor" 0 'a blocked output'
    is_quiet blocked
    cat "$dir/blocked.log" "$dir/blocked.more" | httpmon -i 1 --lateness 0 > "$dir/blocked.expected"
    same_bytes 'a blocked output' "$dir/blocked.expected" "$dir/blocked.out"
    ok 'an output that is blocked for longer than the idle timeout makes up no silence'
}

slow() {
    split -l 2001 "$dir/log" "$dir/slow.part."
    start slow httpmon --idle-timeout 1
    exec 3> "$dir/slow.in"
    has_started
    for part in "$dir"/slow.part.a[a-e]; do
        # Half a line first, now and then.
        head -c 1000 "$part" > "$dir/slow.half"
        tail -c +1001 "$part" > "$dir/slow.rest"
        feed "$dir/slow.half"
        until_true 'it reads' has_read
        [ "$part" != "$dir/slow.part.ac" ] || wait_seconds 3
        feed "$dir/slow.rest"
        until_true 'it reads' has_read
        wait_seconds 3
    done
    cat "$dir"/slow.part.a[f-z] > "$dir/slow.rest"
    feed "$dir/slow.rest"
    exec 3>&-
    ends_with "$monitor" 0 'a slow pipe'
    is_quiet slow
    same_bytes 'a slow pipe' "$dir/expected" "$dir/slow.out"
    ok 'an old log through a slow pipe, with pauses of three idle timeouts, gives the same bytes'
}

has_recoveries() { [ "$(grep -c '"type":"recovery"' "$1")" -eq "$2" ]; } # FILE COUNT
# --- The wall clock jumps. (CLOCK_MONOTONIC is left alone.)
clock() {
    local now library jump
    library=$(find /usr/lib /usr/local/lib /lib -name libfaketime.so.1 2> /dev/null | head -n 1 || true)
    faked=(env "LD_PRELOAD=$library" "FAKETIME_TIMESTAMP_FILE=$dir/clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1)
    set_clock() { printf '%s\n' "$1" > "$dir/clock.new" && mv "$dir/clock.new" "$dir/clock"; } # seconds off
    set_clock +7200
    [ $(($("${faked[@]}" date +%s) - $(date +%s))) -gt 7000 ] || fail 'libfaketime moves no clock'
    for jump in +7200 -7200; do
        set_clock +0
        now=$(date +%s)
        start clock "${faked[@]}" httpmon -w 5 -t 10 -i 1 --lateness 0 --idle-timeout 1
        exec 3> "$dir/clock.in"
        has_started
        # A jump while time stands still in silence ...
        records "$now" $((now + 1)) 100 > "$dir/clock.burst"
        feed "$dir/clock.burst"
        until_true 'the burst raises an alert' has "$dir/clock.out" '"type":"alert"'
        set_clock "$jump"
        until_true 'the alert recovers, though the clock jumps' has "$dir/clock.out" '"type":"recovery"'
        has "$dir/clock.out" '"duration_seconds":5,"window_seconds":5,"requests":0,' || fail "a jump by $jump: $(cat "$dir/clock.out")"
        # ... while records come: they are not live as long as the clock is wrong, ...
        records $((now + 25)) $((now + 26)) 100 > "$dir/clock.more" # silence has not come so far yet
        feed "$dir/clock.more"
        until_true 'it reads' has_read
        wait_seconds 4
        [ "$(grep -c '"type":"alert"' "$dir/clock.out")" -eq 1 ] || fail "a jump by $jump: silence moved the time of a log that isn't live"
        # ... and back.
        set_clock +0
        records $((now + 27)) $((now + 28)) 1 > "$dir/clock.last"
        feed "$dir/clock.last"
        until_true 'the second alert recovers' has_recoveries "$dir/clock.out" 2
        exec 3>&-
        ends_with "$monitor" 0 'a clock that jumps'
        # It is said that the log is ahead of a clock that went back, and nothing else.
        sed -i "/ahead of this machine's clock/d" "$dir/clock.err"
        is_quiet clock
        # The same bytes as the finished file, and after its end what silence closed.
        cat "$dir/clock.burst" "$dir/clock.more" "$dir/clock.last" | httpmon -w 5 -t 10 -i 1 --lateness 0 > "$dir/clock.expected"
        head -c "$(stat -c %s "$dir/clock.expected")" "$dir/clock.out" > "$dir/clock.got"
        same_bytes "a jump by $jump" "$dir/clock.expected" "$dir/clock.got"
    done
    ok 'a wall clock that jumps forward and back by hours while live changes no event'
}

beside stops
beside slow
beside clock
beside blocked
beside ignored
beside storm
beside pid_1
signals
join

# What was closed at the start is /dev/null by the time the program begins: the runtime of
# its language opens that, so that no file gets the number of a standard stream.
status=0
httpmon < "$dir/log" 2> "$dir/err" >&- || status=$?
if [ "$status" -ne 0 ] || [ -s "$dir/err" ]; then fail "a closed standard output: status $status: $(cat "$dir/err")"; fi
ok 'a closed standard output is like /dev/null'
end_test
