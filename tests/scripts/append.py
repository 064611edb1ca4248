"""For tests/scripts/append.sh: a log is read in parts, each interrupted in its own way, and the file of events must in
the end be that of an unbroken run. python3 append.py FOLDER COUNT SEED"""

import os
import random
import subprocess
import sys

folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = os.path.join(folder, "ev")
OPTIONS = (
    [],
    ["-i", "1s", "-w", "10s", "-t", "3"],
    ["-l", "1m", "-w", "30s", "-t", "4", "-r", "3", "-i", "7s"],
    ["-l", "0", "-i", "1m"],
)


def log_of(chosen, lateness):
    """Old times; out of order, with bursts, gaps, lines that can't be read, and now and then a clock that is set back."""
    second, lines = 1549573200, []
    while len(lines) < 1500:
        kind = chosen.random()
        if kind < 0.02:
            second += chosen.choice((30, 200, 1000, 4000))
        elif kind < 0.025:
            second -= chosen.choice((200, 3700))
        elif kind < 0.06:
            lines.append(chosen.choice((b"no record\n", b"\n", b"host,ident,user,time,request,status,bytes\n")))
        else:
            second += 1
        for _ in range(chosen.choice((0, 1, 1, 2, 2, 8))):
            behind = chosen.randrange(max(1, lateness + 2)) if chosen.random() < 0.3 else 0
            lines.append(b"192.0.2.%d,-,-,%d,GET /%d HTTP/1.1,%d,5\n" % (chosen.randrange(9), second - behind, chosen.randrange(4), chosen.choice((200, 500))))
    return lines


def run(lines, options, take=None):
    """httpmon on these lines; what it writes, or the first bytes of it as if it had been killed; then httpmon-append."""
    events = subprocess.run(["httpmon", "-q", *options], input=b"".join(lines), stdout=subprocess.PIPE).stdout
    if take is not None:
        events = events[: int(take * len(events))]
    return subprocess.run(["httpmon-append", path], input=events, stdout=subprocess.PIPE, check=True).stdout


for number in range(count):
    chosen = random.Random(seed + number)
    options = chosen.choice(OPTIONS)
    lateness = 60 if "1m" in options[:2] else 0 if "0" in options else 5
    lines = log_of(chosen, lateness)
    whole = subprocess.run(["httpmon", "-q", *options], input=b"".join(lines), stdout=subprocess.PIPE).stdout
    if os.path.exists(path):
        os.unlink(path)
    reached, told = 0, []
    for _ in range(chosen.randrange(1, 5)):
        # A replay may also be interrupted before it comes to what is new.
        reached = chosen.randrange(len(lines))
        told.append(run(lines[:reached], options, chosen.choice((None, None, chosen.random()))))
        if chosen.random() < 0.4:
            # Killed at any byte, or the disk was full there.
            size = os.path.getsize(path)
            os.truncate(path, size - min(size, chosen.choice((1, 1, chosen.randrange(3000)))))
    told.append(run(lines, options))
    got = open(path, "rb").read()
    if got != whole:
        open(os.path.join(folder, "whole"), "wb").write(whole)
        open(os.path.join(folder, "log"), "wb").write(b"".join(lines))
        sys.exit(f"append: seed {seed + number}, {options}: not the file of an unbroken run (see {folder})")
    missing = [line for line in whole.splitlines() if line not in b"".join(told)]
    if missing:
        sys.exit(f"append: seed {seed + number}: not passed on: {missing[0]!r}")
