#!/usr/bin/env bash
# Measures the filter on a family of logs against the csv crate's bare loop, or with --peers against other programs.
# How fast each stage is, "cargo bench" tells.
set -euo pipefail

records=''
runs=5
idle=10
dir=
peers=false
install=false
against=
only=

usage() {
    cat <<'HELP'
usage: scripts/bench [OPTION]...

Builds the release binary, makes a family of logs (the same ones always), and
prints a table in Markdown on stdout: CPU time of the filter on each, as a ratio
to that of the csv crate's bare loop on the same file, peak memory, and whether
each target holds. What it does is said on stderr.

  --records N   records in each log (default 2000000)
  --runs K      pairs of runs (default 5)
  --dir DIR     where the logs are made, and kept for the next time
                (default: bench in cargo's target directory)
  --only KINDS  only on these logs: zipf,busy
  --against PROGRAM
                another httpmon runs in turn too; events are compared
  --peers       instead: the filter and its peers on one log, other forms of
                the log, start-up, latency and idling; 10000000 records (10 GB
                of disk and, to mean something, of free memory); a peer that
                would take over 20 s is run once, on a tenth of the log
  --no-peers    the same without the peers
  --install     first install the peers of Debian and of PyPI (these into
                $XDG_CACHE_HOME/httpmon-bench/venv); those that cargo builds
                take long and are only named
  --quick       the same as --records 500000 --runs 3
  --help

Status: 0, also if a target is missed; 1 if a program failed or an answer
differs; 2 usage.

example: scripts/bench > bench.md
HELP
}
fail() {
    printf 'bench: %s\n' "$2" >&2
    exit "$1"
}
number() { # OPTION VALUE LEAST
    if [[ ! $2 =~ ^[0-9]{1,12}$ ]] || (( 10#$2 < $3 )); then
        fail 2 "$1: \"$2\" is not a number from $3 on"
    fi
}

while [ $# -gt 0 ]; do
    case $1 in
        --records | --runs | --dir | --only | --against)
            [ $# -gt 1 ] || fail 2 "$1 needs a value"
            case $1 in
                --records) number "$1" "$2" 1000; records=$(( 10#$2 )) ;;
                --runs) number "$1" "$2" 1; runs=$(( 10#$2 )) ;;
                --dir) dir=$2 ;;
                --only) only=$2 ;;
                --against) against=$(realpath "$2") ;;
            esac
            shift ;;
        --peers) peers=true ;;
        --no-peers) peers=none ;;
        --install) install=true ;;
        --quick) records=500000 runs=3 idle=3 ;;
        --help) usage; exit 0 ;;
        *) fail 2 "unknown argument \"$1\" (see --help)" ;;
    esac
    shift
done

# A relative DIR is the caller's.
[ -z "$dir" ] || { mkdir -p "$dir"; dir=$(cd "$dir" && pwd); }
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"
scripts/need python3 /usr/bin/time=time

cache=${XDG_CACHE_HOME:-$HOME/.cache}/httpmon-bench
venv=$cache/venv
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:$cache/bin"
if [ "$install" = true ]; then
    scripts/need mawk gawk mlr=miller goaccess
    [ -x "$venv/bin/pip" ] || python3 -m venv "$venv" ||
        fail 1 "no venv could be made (Debian: apt-get install python3-venv)"
    "$venv/bin/pip" install --quiet --disable-pip-version-check duckdb-cli polars chdb
fi

cargo build --release --locked --quiet --bin httpmon --example make_log --example csv_loop
target=${CARGO_TARGET_DIR:-target}
target=$(cd "$target" && pwd)
dir=${dir:-$target/bench}
mkdir -p "$dir"

make_log() { # KIND RECORDS
    local log=$dir/$1.$2.csv
    # A log stays until what makes it is newer.
    if [ ! -s "$log" ] || [ tests/bench/make_log.rs -nt "$log" ]; then
        printf 'bench: making %s\n' "${log##*/}" >&2
        "$target/release/examples/make_log" "$1" "$2" > "$log.new"
        mv "$log.new" "$log"
    fi
}
if [ "$peers" = false ]; then
    records=${records:-2000000}
    kinds=(plain zipf uniform ipv6 shuffled msec milliseconds agent combined busy slow hostile latency)
    [ -z "$only" ] || IFS=, read -ra kinds <<< "$only"
    for kind in "${kinds[@]}"; do
        make_log "$kind" "$records"
        [ "$kind" != combined ] || make_log agent "$records"
    done
    exec python3 -B tests/bench/family.py --records "$records" --runs "$runs" --dir "$dir" --only "$only" \
        --against "$against" --httpmon "$target/release/httpmon" --csv-loop "$target/release/examples/csv_loop"
fi

records=${records:-10000000}
for kind in plain jittered hosts escaped backslash rfc3339 clf wide hostile; do
    make_log "$kind" "$records"
done
make_log plain $(( records / 10 ))

arguments=(--records "$records" --runs "$runs" --idle "$idle" --dir "$dir" --venv "$venv")
[ "$peers" = true ] || arguments+=(--no-peers)
exec python3 -B tests/bench/measure.py "${arguments[@]}" \
    --httpmon "$target/release/httpmon" --csv-loop "$target/release/examples/csv_loop"
