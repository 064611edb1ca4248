"""For tests/scripts/append.sh: a file of events is damaged in random ways, and the log is read again.
python3 append_damage.py FOLDER COUNT SEED

Whatever was done to the file, httpmon-append ends well and says nothing but what is no event; what was whole stays,
nothing comes twice that did not stand there twice, what comes after the damage is complete, and a second replay
changes nothing."""

import collections
import os
import random
import subprocess
import sys

folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = os.path.join(folder, "damaged")


def log_of(chosen, sources):
    second, lines = 1549573200, []
    for _ in range(chosen.choice((60, 400, 2500))):
        second += chosen.choice((1, 1, 1, 2, 7, 40))
        if sources > 1 and chosen.random() < 0.02:
            lines.append(b"\n==> %d.csv <==\n" % chosen.randrange(sources))
        for _ in range(chosen.choice((1, 1, 2, 30))):
            lines.append(b"192.0.2.%d,-,-,%d,GET /%d HTTP/1.1,%d,5\n" % (chosen.randrange(4), second, chosen.randrange(3), chosen.choice((200, 500))))
    return b"".join(lines)


def damage(chosen, data):
    """Once or a few times: cut, NULs, lines doubled, halved, glued together, moved, bytes changed or lost."""
    for _ in range(chosen.choice((1, 1, 2, 5))):
        lines = data.splitlines(keepends=True)
        if not lines:
            return data
        at, place = chosen.randrange(len(data)), chosen.randrange(len(lines))
        # Mostly near the end: that is where machines stop.
        if chosen.random() < 0.6:
            at = len(data) - 1 - chosen.randrange(min(len(data), 3000))
            place = len(lines) - 1 - chosen.randrange(min(len(lines), 8))
        kind = chosen.randrange(9)
        length = chosen.choice((1, 10, 500, 4096))
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + b"\0" * length
        elif kind == 2:
            data = data[:at] + b"\0" * length + data[at + length :]
        elif kind == 3:
            data = b"".join(lines[: place + 1] + [lines[place]] + lines[place + 1 :])
        elif kind == 4:
            half = lines[place][: chosen.randrange(len(lines[place]))]
            data = b"".join(lines[:place] + [half, chosen.choice((b"", b"\n"))] + lines[place + 1 :])
        elif kind == 5:
            data = b"".join(lines[:place] + [lines[place].rstrip(b"\n")] + lines[place + 1 :])
        elif kind == 6:
            data = data[:at] + data[at + length :]
        elif kind == 7:
            data = data[:at] + bytes([chosen.randrange(256)]) + data[at + 1 :]
        else:
            data = b"".join(lines[:place] + [b"\n", b"\xff\xfe garbage\n", b"{}\n", b'{"type":1}\n', b'{"type":"summary"}\n'] + lines[place:])
    return data


def replay(events):
    run = subprocess.run(["httpmon-append", path], input=events, capture_output=True)
    if run.returncode or run.stderr:
        sys.exit(f"append_damage: seed {number}: status {run.returncode}: {run.stderr[-500:].decode()}")
    return run.stdout


for number in range(seed, seed + count):
    chosen = random.Random(number)
    sources = chosen.choice((1, 1, 2, 3))
    whole = subprocess.run(["httpmon", "-q", "-t", "3"], input=log_of(chosen, sources), stdout=subprocess.PIPE).stdout
    whole_lines = collections.Counter(whole.splitlines())
    part = whole[: chosen.choice((len(whole), chosen.randrange(len(whole) + 1)))]
    before = damage(chosen, part)
    with open(path, "wb") as file:
        file.write(before)
    appended = replay(whole)
    with open(path, "rb") as file:
        after = file.read()

    def wrong(what, line=b""):
        for name, data in (("whole", whole), ("before", before), ("after", after)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        sys.exit(f"append_damage: seed {number}: {what} (see {folder}): {line[:200]!r}")

    held, stood = collections.Counter(after.splitlines()), collections.Counter(before.splitlines())
    for line, times in held.items():
        if line in whole_lines and times > max(whole_lines[line], stood[line]):
            wrong("an event comes twice", line)
    for line in whole_lines:
        if stood[line] and not held[line]:
            wrong("a whole event is gone", line)
    # A torn end waits for the next event.
    if after and not after.endswith(b"\n") and after != before:
        wrong("the file ends in the midst of an event")
    # What was never in the file is there now.
    for line in whole[len(part) :].splitlines()[1:]:
        if not held[line]:
            wrong("an event after the damage is missing", line)
    if replay(whole):
        wrong("a second replay tells more")
    with open(path, "rb") as file:
        if file.read() != after:
            wrong("a second replay changes the file")
