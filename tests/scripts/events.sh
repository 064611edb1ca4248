#!/usr/bin/env bash
# scripts/httpmon_events.py: what the Python tools share.
set -euo pipefail
scripts/need python3
# shellcheck source=tests/lib.sh
. tests/lib.sh

cat > "$dir/test.py" <<'PYTHON'
import io, json, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, "scripts")
import httpmon_events as events

def check(what, got, expected):
    if got != expected:
        sys.exit(f"events: {what}: {got!r}, not {expected!r}")

def ok(text):
    print("ok", text, flush=True)

summary = b'{"type":"summary","source":"a","requests":1,"hosts":[{"host":"h","requests":1}]}'
alert = b'{"type":"alert","source":"a \\"b\\" {\\"type\\":\\"x","time":"2019-02-07T21:12:36Z"}'
check("a whole line", events.event_in(summary), (json.loads(summary), 0))
for cut in range(1, len(summary)):
    check(f"torn at {cut}", events.event_in(summary[:cut] + alert), (json.loads(alert), cut))
    check(f"torn at {cut}, and no event after it", events.event_in(summary[:cut])[0], None)
check("torn twice", events.event_in(summary[:9] + summary[:30] + alert + b"\r"), (json.loads(alert), 39))
check("after NULs", events.event_in(b"\0" * 100 + alert), (json.loads(alert), 100))
nested = b'{"type":"summary","more":{"type":"inner"}}'
check("an object inside is no event", events.event_in(summary[:20] + nested), (json.loads(nested), 20))
for line in b"", b"5", b"[]", b"null", b'{"type":5}', b'{"no":1}', b'{"type":"summary","requests":NaN}', b"\xff{", b"[" * 100000:
    check(f"no event: {line[:40]}", events.event_in(line), (None, len(line)))
ok("the event after a torn line is found, wherever it was torn")

whole = b"".join(line + b"\n" for line in (summary, b"no event", summary[:30] + alert, summary)) + alert
expected = [json.loads(line) for line in (summary, alert, summary, alert)]
check("a stream", list(events.read_events(io.BytesIO(whole))), expected)
for size in 1, 2, 7, 100:
    lines, got = events.Lines(), []
    for start in range(0, len(whole), size):
        got += lines.take(whole[start:start + size])
    check(f"in pieces of {size}", got + [lines.rest()], whole.split(b"\n"))
ok("events are read from a stream, in whatever pieces it comes")

# Eight times the bytes must not take 64 times as long; a factor of 24 is in between.
def seconds(count):
    began = time.process_time()
    lines = events.Lines()
    for _ in range(count):
        lines.take(b"x" * 16)
    for line in lines.rest(), b'{"type":"a","x":[' * count, b'[{"type":"a"},' * count, b'{"type":"a","x":{' * count:
        events.event_in(line)
    return time.process_time() - began
few = min(seconds(50000) for _ in range(3))
many = seconds(400000)
if many > few * 24:
    sys.exit(f"events: a line of 400,000 pieces takes {many:.2f} s, one of 50,000 {few:.2f} s")
events.LONGEST_LINE = 1000
lines = events.Lines()
check("a long line", [len(line) for line in lines.take(b"y" * 5000 + b"\n" + b"z" * 10 + b"\n")], [1000, 10])
ok("a long line takes linear time and bounded memory")

for text, epoch in (
    ("2019-02-07T21:12:36Z", 1549573956),
    ("2019-02-07T21:12:36.9z", 1549573956),
    ("2019-02-07T22:12:36+01:00", 1549573956),
    ("2019-02-07T15:42:36-05:30", 1549573956),
    ("1970-01-01T00:00:00Z", 0),
    ("8999-12-31T23:59:59Z", 221845391999),
):
    check(text, events.to_epoch(text), epoch)
    check(text, events.to_epoch(events.from_epoch(epoch)), epoch)
check("back", events.from_epoch(1549573956), "2019-02-07T21:12:36Z")
for text, length in (
    ("120", 120), ("0", 0), ("30s", 30), ("2m", 120), ("1h 30m", 5400), ("1h30m", 5400), ("1 hour, 30 minutes", 5400),
    ("7d", 604800), ("2wks 1day", 1296000), ("90 secs", 90),
):
    check(text, events.duration(text), length)
for wrong in (events.to_epoch, ("", "now", "2019-02-30T00:00:00Z", "2019-02-07 21:12:36", None, 5)), (
    events.duration, ("", "x", "1.5h", "-5", "+5", "30m 1h", "5m 5m", " 5m", "5m ", "5 ", "1h,", "1y", "\u0665"),
):
    for text in wrong[1]:
        try:
            sys.exit(f"events: {text!r} is {wrong[0](text)}")
        except ValueError:
            pass
ok("times and durations")
PYTHON
python3 "$dir/test.py"
