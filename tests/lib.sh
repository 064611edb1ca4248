# shellcheck shell=bash
# What the tests of scripts and of live processes share: a folder that goes away, processes that end with the test,
# and waiting for what can be seen instead of for time. To be sourced; run by itself it does nothing.

export LC_ALL=C TZ=UTC
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
test_name=$(basename "$0" .sh)
wrong_checks=0
kindly=() # children that end what they have started, if asked to

dir=$(mktemp -d)
clean_up() {
    local job
    for job in $(jobs -p); do
        case " ${kindly[*]} " in
        *" $job "*) kill "$job" || true ;;
        *) kill -9 "$job" || true ;; # it may be stopped or blocked
        esac
    done 2> /dev/null
    wait 2> /dev/null || true
    [ "$BASHPID" != "$$" ] || rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 143' INT TERM HUP
set -E
trap 'printf "%s: line %s: status %s\n" "$test_name" "$LINENO" "$?" >&2' ERR

ok() { printf 'ok %s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$test_name" "$*" >&2
    exit 1
}
wrong() { # a check that doesn't hold, but doesn't keep the others from being made
    printf '%s: WRONG: %s\n' "$test_name" "$*" >&2
    wrong_checks=$((wrong_checks + 1))
}
end_test() { [ "$wrong_checks" -eq 0 ] || fail "$wrong_checks of the checks did not hold"; }

until_true() { # WHAT COMMAND...: looks for a minute
    local what=$1 end=$((SECONDS + 60))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "in a minute not so: $what"
        sleep 0.05
    done
}
has() { grep -qF -e "$2" "$1" 2> /dev/null; } # FILE TEXT
has_lines() { [ "$(wc -l < "$1")" -ge "$2" ]; } # FILE COUNT
is_gone() { ! kill -0 "$1" 2> /dev/null; }      # PID of a child
ends_with() { # PID STATUS WHAT: the process ends by itself, with that status
    local status=0 end=$((SECONDS + 60))
    { # the shell would say of what it died
        until is_gone "$1" || [ "$SECONDS" -ge "$end" ]; do sleep 0.05; done
        ! is_gone "$1" || wait "$1" || status=$?
    } 2> /dev/null
    is_gone "$1" || fail "$3: it has not ended after a minute"
    [ "$status" -eq "$2" ] || fail "$3: status $status, not $2"
}
same_bytes() { # WHAT EXPECTED GOT
    cmp -s "$2" "$3" || {
        diff "$2" "$3" | cut -c 1-600 | head -n 20 >&2 || true
        fail "$1: not the same bytes"
    }
}

# shellcheck disable=SC2030,SC2031 # what others have started is not its own
beside() { # FUNCTION: runs it at the same time as what follows; `join` waits for all of them
    (
        kindly=()
        trap clean_up EXIT
        trap 'exit 143' INT TERM HUP
        "$1"
        end_test
    ) &
    kindly+=("$!")
}
join() {
    local group failed=0
    for group in "${kindly[@]}"; do wait "$group" || failed=1; done
    kindly=()
    [ "$failed" -eq 0 ] || wrong 'what ran at the same time'
}

peak_kib() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; } # PID
bytes_read() { sed -n 's/^rchar: //p' "/proc/$1/io"; }                       # PID
catches_sigterm() { # PID: so it has started, and from now on reads nothing but its standard input
    local mask
    [ "$(cat "/proc/$1/comm" 2> /dev/null)" = httpmon ] || return 1
    mask=$(sed -n 's/^SigCgt:[^0-9a-f]*//p' "/proc/$1/status")
    [ $((0x$mask >> 14 & 1)) -eq 1 ]
}
is_in_state() { # PID STATE
    [ "$(sed -n 's/^State:[^A-Za-z]*\([A-Za-z]\).*/\1/p' "/proc/$1/status" 2> /dev/null)" = "$2" ]
}

# Sums over the summaries of a file of events.
requests_in() { sums_of "$1" | cut -d ' ' -f 1; }
malformed_in() { sums_of "$1" | cut -d ' ' -f 2; }
lines_in() { sums_of "$1" | awk '{ print $1 + $2 + $3 }'; }
sums_of() { # FILE: requests, malformed, skipped
    sed -n 's/^{"type":"summary".*"requests":\([0-9]*\),"requests_per_second".*"malformed":\([0-9]*\),"skipped":\([0-9]*\)}$/\1 \2 \3/p' "$1" |
        awk '{ r += $1; m += $2; s += $3 } END { print r + 0, m + 0, s + 0 }'
}
line_count() { awk 'END { print NR }' "$1"; } # a last line without end is a line too

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A line of a literal block in the manual's page on formats, as a reader sees it.
of_formats() { # PATTERN
    sed -n "/$1/{s/\\\\e/\\\\/g;s/\\\\(aq/'/g;p}" man/httpmon-formats.7
}
