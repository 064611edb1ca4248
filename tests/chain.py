"""For tests/all/chain.sh: a log that is written and rotated without a pause, the services' own pipes that follow it, and
something that ends their processes at random moments.

    python3 tests/chain.py FOLDER SMALL COUNT DOWN SEED

FOLDER is for the log, SMALL a small file system for the events, COUNT how often something is ended, DOWN for how many
seconds at most it stays so. In the end the events must be those of an unbroken run, byte for byte, and every alert and
recovery told once or twice.
"""

import atexit
import collections
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

folder, small = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
count, down, seed = int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
chosen = random.Random(seed)
LOG, EVENTS, TOLD = folder / "access.csv", small / "events.ndjson", folder / "told.log"
OPTIONS = "-q -i 5s -w 10s -t 12 -l 3s"
COMMAND = folder / "tell"


def command_of(unit):
    """As systemd makes it of the unit's line."""
    text = pathlib.Path("scripts/systemd", unit).read_text()
    command = re.search(r"^ExecStart=/bin/bash -c '([^']*)'$", text, re.MULTILINE)[1]
    return command.replace("\\\n", " ").replace("$$", "$")


# Here the log is rotated more than once while nothing reads it.
WATCH = command_of("httpmon.service").replace("httpmon-follow", "httpmon-follow --all"), {
    "LOGS": str(LOG), "OPTIONS": OPTIONS, "LOGS_DIRECTORY": str(small)}
TELL = command_of("httpmon-notify.service"), {
    "EVENTS": str(EVENTS), "OPTIONS": "", "COMMAND": str(COMMAND), "STATE_DIRECTORY": str(folder)}
PARTS = {WATCH[0]: ("bash", "httpmon-follow", "httpmon", "httpmon-append"), TELL[0]: ("bash", "httpmon-follow", "httpmon-explain", "httpmon-notify")}
SPEED = 10  # seconds of the log in one of the clock
HEADER = b"host,ident,user,time,request,status,bytes\n"


class Writer(threading.Thread):
    """A server: it writes on, whatever happens, and turns to the new file a while after the rotation."""

    def __init__(self):
        super().__init__(daemon=True)
        self.chosen = random.Random(seed + 1)
        self.stopping = threading.Event()
        self.rotating = threading.Event()
        self.files = 1
        LOG.write_bytes(HEADER)

    def run(self):
        second, rate, file, reopen = 1549573200, 2, open(LOG, "ab", buffering=0), None
        began = time.monotonic()
        while not self.stopping.is_set():
            if self.chosen.random() < 0.1:
                rate = self.chosen.choice((2, 5, 11, 13, 30))
            for _ in range(rate):
                line = b"192.0.2.%d,-,-,%d,GET /%s HTTP/1.1,%d,%d\n" % (
                    self.chosen.randrange(20), second - self.chosen.choice((0, 0, 0, 1, 2)), self.chosen.choice((b"a", b"b/c")),
                    self.chosen.choice((200, 200, 200, 500)), self.chosen.randrange(9000))
                half = self.chosen.randrange(len(line))
                file.write(line[:half])
                file.write(line[half:])
            second += 1
            if reopen is not None and second >= reopen:
                file.close()
                file, reopen = open(LOG, "ab", buffering=0), None
                file.write(HEADER)
            elif reopen is None and self.rotating.is_set():
                self.rotate()
                reopen = second + self.chosen.randrange(4)
            # The pace.
            time.sleep(max(0.0, began + (second - 1549573200) / SPEED - time.monotonic()))
        file.close()

    def rotate(self):
        self.rotating.clear()
        if self.files > 2 and self.chosen.random() < 0.5:
            old = f"{LOG}.2"
            if os.path.exists(old):
                subprocess.run(["gzip", old], check=True)
        for number in range(self.files, 0, -1):
            for extension in "", ".gz":
                if os.path.exists(f"{LOG}.{number}{extension}"):
                    os.rename(f"{LOG}.{number}{extension}", f"{LOG}.{number + 1}{extension}")
        os.rename(LOG, f"{LOG}.1")
        LOG.touch()  # as long as it is empty the old file is not over, however slow this machine is
        self.files += 1


class Service:
    """What systemd does: it starts the command again, and ends what is left when the main process has ended."""

    def __init__(self, command, variables):
        self.command = command
        self.environment = {**os.environ, **variables}
        self.start()
        atexit.register(self.kill)

    def start(self):
        errors = open(folder / "errors", "ab")
        self.process = subprocess.Popen(["bash", "-c", self.command], env=self.environment, start_new_session=True, stdin=subprocess.DEVNULL, stderr=errors)

    def find(self, name):
        """The process of the group that runs this program."""
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    fields = pathlib.Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                    words = pathlib.Path(entry.path, "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                is_it = any(os.path.basename(word).decode() == name for word in words[:2])
                if is_it and int(fields[2]) == self.process.pid and (name != "bash" or int(entry.name) == self.process.pid):
                    return int(entry.name)
        return None

    def hit(self, name, number):
        """Whether it was there; it may not have been started yet."""
        try:
            os.kill(self.find(name), number)
            return True
        except (TypeError, ProcessLookupError):
            return False

    def end(self, what):
        """The other parts end by themselves when one has; if not, that is a fault."""
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            fail(f"{what}: the others go on without it")
        self.kill()

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def fail(text):
    sys.exit(f"chain: seed {seed}: {text}")


def until(what, is_true):
    end = time.monotonic() + 120
    while not is_true():
        if time.monotonic() > end:
            fail(f"in two minutes not so: {what}")
        time.sleep(0.05)


def unbroken():
    """The whole log, as httpmon-follow writes it, and the events of one run."""
    files = sorted(LOG.parent.glob("access.csv.*"), key=lambda path: -int(path.name.split(".")[2]))
    log = b"==> %s <==\n" % str(LOG).encode() + subprocess.run(["zcat", "-f", *files, LOG], stdout=subprocess.PIPE, check=True).stdout
    return log, subprocess.run(["httpmon", *OPTIONS.split()], input=log, stdout=subprocess.PIPE, check=True).stdout


def written(pid):
    """How many bytes a process has written."""
    try:
        return int(re.search(r"wchar: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text())[1])
    except OSError:
        return 0


def told():
    return collections.Counter(TOLD.read_text().splitlines()) if TOLD.exists() else {}


def fill():
    """The disk is full."""
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


COMMAND.write_text(f'#!/bin/sh\necho "$HTTPMON_TYPE $HTTPMON_NAME $HTTPMON_TIME" >> {TOLD}\n')
COMMAND.chmod(0o755)
(folder / "told").touch()  # nothing is too old to be told
ballast = small / "ballast"
can_be_full = os.path.ismount(small)
writer = Writer()
writer.start()
watch, tell = Service(*WATCH), Service(*TELL)
ended = collections.Counter()
downtimes, filled = [], 0
while ended.total() < count:
    time.sleep(chosen.uniform(0, 2))  # a random moment
    if chosen.random() < 0.4:
        writer.rotating.set()
    if can_be_full and chosen.random() < 0.3:
        fill()
        filled += 1
        time.sleep(chosen.uniform(0, 1))
    service = chosen.choice((watch, watch, tell))
    part, sign = chosen.choice(PARTS[service.command]), chosen.choice((signal.SIGKILL, signal.SIGTERM))
    was_hit = service.hit(part, sign)
    # A full disk blocks the rest of a pipe; it has to go on for them to notice.
    is_full = ballast.exists()
    ballast.unlink(missing_ok=True)
    if not was_hit:
        continue
    ended[sign.name] += 1
    service.end(part)
    # Down: mostly for a short time.
    downtimes.append(chosen.choice((0, down * chosen.random() ** 2)))
    time.sleep(downtimes[-1] / 2)
    if chosen.random() < 0.4:
        writer.rotating.set()
    time.sleep(downtimes[-1] / 2)
    if is_full and chosen.random() < 0.5:  # it starts on a full disk
        fill()
    service.start()
    if ballast.exists():
        time.sleep(chosen.uniform(0, 1))
        ballast.unlink()
writer.stopping.set()
writer.join()

log, expected = unbroken()
until("all is followed", lambda: written(watch.find("httpmon-follow")) >= len(log))
watch.hit("httpmon-follow", signal.SIGTERM)
watch.end("httpmon-follow")
got = EVENTS.read_bytes()
if got != expected:
    (folder / "expected").write_bytes(expected)
    fail(f"not the events of an unbroken run ({len(got)} and {len(expected)} bytes)")
changes = [json.loads(line) for line in expected.splitlines() if not line.startswith(b'{"type":"summary"')]
keys = [f"{event['type']} {event['name']} {event['time']}" for event in changes]
until("all is told", lambda: all(told().get(key) for key in keys))
tell.hit("httpmon-follow", signal.SIGTERM)
tell.end("httpmon-follow")
times = told()
if any(times[key] > 2 for key in keys):
    fail(f"told more than twice: {[key for key in keys if times[key] > 2]}")
print(
    f"{ended.total()} ended ({ended['SIGKILL']} by SIGKILL), down for up to {max(downtimes):.1f} s, {sum(downtimes):.0f} s in all; "
    f"the disk full {filled} times, {writer.files - 1} rotations: {len(expected.splitlines())} events, the file is that of an unbroken run; "
    f"{len(keys)} alerts and recoveries told, {sum(times[key] == 2 for key in keys)} of them twice, "
    f"and {len(set(times) - set(keys))} that an interruption had made"
)
