"""Shared by the Python tools around httpmon: lines of a stream, the event in a line, times, durations, rotated files.

A tool finds this file beside itself, even if it is called through a link:

    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
    import httpmon_events
"""

import bz2
import calendar
import gzip
import json
import lzma
import os
import re
import time

# Twice a summary with --top 0, which has at most 100,000 hosts and 10,000 sections of 128 bytes.
LONGEST_LINE = 64 << 20
START = b'{"type":"'
# A line with more starts is not made of torn events, and trying all of them would take too long.
MOST_STARTS = 64


class Lines:
    """Splits a stream into lines, in linear time for lines of any length and pieces of any size."""

    def __init__(self):
        self.pieces = []
        self.size = 0

    def take(self, data):
        """The lines that `data` completes, without their LF. A longer line is cut at LONGEST_LINE."""
        *lines, rest = data.split(b"\n")
        if lines:
            self._keep(lines[0])
            lines[0] = self.rest()
        self._keep(rest)
        return lines

    def rest(self):
        """The last line, if it has no LF yet; the next piece starts a new line."""
        line = b"".join(self.pieces)
        self.pieces = []
        self.size = 0
        return line

    def _keep(self, piece):
        piece = piece[: LONGEST_LINE - self.size]
        if piece:
            self.pieces.append(piece)
            self.size += len(piece)


def event_in(line):
    """The event that a line ends with, and where in the line it starts; (None, len(line)) if there is none.

    A writer that died, or a full disk, leaves a torn event without LF, and the next event is joined to it. So the last
    event that is whole up to the end of the line counts, and all before it was torn.
    """
    line = line.rstrip()
    event = _parse(line)
    if event is not None:
        return event, 0
    start = len(line)
    for _ in range(MOST_STARTS):
        start = line.rfind(START, 0, start)
        if start <= 0:
            break
        event = _parse(line[start:])
        if event is not None:
            return event, start
    return None, len(line)


def read_events(stream):
    """The events of a binary stream or file; lines that are not events are skipped."""
    lines = Lines()
    while data := stream.read1(1 << 16) if hasattr(stream, "read1") else stream.read(1 << 16):
        for line in lines.take(data):
            event, _ = event_in(line)
            if event is not None:
                yield event
    event, _ = event_in(lines.rest())
    if event is not None:
        yield event


def _parse(text):
    try:
        event = json.loads(text, parse_constant=_refuse)
        return event if isinstance(event["type"], str) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _refuse(name):
    raise ValueError(f"{name} is not JSON")


TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII | re.IGNORECASE)


def to_epoch(text):
    """Whole seconds since 1970 of an RFC 3339 time; ValueError if it is not one."""
    parts = TIME.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    seconds = calendar.timegm(time.strptime(parts[1].upper(), "%Y-%m-%dT%H:%M:%S"))
    offset = int(parts[3] or 0) * 3600 + int(parts[4] or 0) * 60
    return seconds + offset if parts[2] == "-" else seconds - offset


def from_epoch(seconds):
    """The time in RFC 3339 and UTC, as httpmon writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


UNITS = (
    (604800, r"w|wks?|weeks?"),
    (86400, r"d|days?"),
    (3600, r"h|hrs?|hours?"),
    (60, r"m|mins?|minutes?"),
    (1, r"s|secs?|seconds?"),
)
PARTS = re.compile("".join(rf"(?:(\d{{1,12}})\s*(?:{names})(?:,\s+|\s*))?" for _, names in UNITS), re.ASCII)


def duration(text):
    """Whole seconds of `120`, `2m`, `1h 30m` or `7d`, as httpmon reads them; ValueError if it is not one."""
    if re.fullmatch(r"\d{1,12}", text, re.ASCII):
        return int(text)
    parts = PARTS.fullmatch(text)
    if parts is None or text[:1].isspace() or text[-1:] in (" ", ",", "") or not any(parts.groups()):
        raise ValueError(f"not a duration like 30s, 2m or 1h 30m: {text!r}")
    return sum(int(count) * unit for count, (unit, _) in zip(parts.groups(), UNITS) if count)


ROTATED = re.compile(r"(?:\.\d{1,4}|[-.]\d{4}-?\d\d-?\d\d([-.]?\d{1,10})?)$")
PACKED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def rotated(path):
    """The rotated files of a log, oldest first: NAME.1, NAME-20261127, also compressed. If a file is there in both
    forms, the one that is not compressed, because the other may not be complete yet."""
    folder, name = os.path.split(path)
    found = {}
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return []
    for other in names:
        if other.startswith(name):
            whole = unpacked(other)
            suffix = whole[len(name) :]
            if ROTATED.match(suffix) and (whole == other or suffix not in found):
                found[suffix] = os.path.join(folder, other)
    # NAME.2 is older than NAME.1; a later date is newer. If there are both, logrotate's setting was changed.
    numbered = sorted((suffix for suffix in found if re.fullmatch(r"\.\d{1,4}", suffix)), key=lambda suffix: -int(suffix[1:]))
    dated = sorted(set(found) - set(numbered))
    paths = [[found[suffix] for suffix in suffixes] for suffixes in (numbered, dated)]
    if numbered and dated and written(paths[0][-1]) > written(paths[1][-1]):
        paths.reverse()
    return paths[0] + paths[1]


def written(path):
    """The modification time of a file; 0 if it is gone."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def unpacked(path):
    """The name of a file, without the extension of a compressed one."""
    whole, extension = os.path.splitext(path)
    return whole if extension in PACKED else path


def is_rotated(path):
    """Whether a file has a name that logrotate gives."""
    return unpacked(path) != path or ROTATED.search(path) is not None


def open_log(path):
    """A file opened for reading bytes: decompressed if its name says so, otherwise unbuffered."""
    if unpacked(path) != path:
        return PACKED[os.path.splitext(path)[1]](path, "rb")
    return open(path, "rb", buffering=0)
