"""Reads many access logs with httpmon on the machines of a Spark cluster. Writes the events that one httpmon would
write for all their records in order of time.

Each worker pipes a log, or a piece of one, through two filters at once. One has the interval of the summaries and all
names; windows of the same time are added, and only the busiest names go on. The other has an interval of one second, of
which three numbers are kept. The driver gets these numbers, added by second, and judges the alerts in order of time.

spark-submit ships this file alone to a cluster, so it imports no other file of httpmon.
"""

import argparse
import array
import bisect
import concurrent.futures
import contextlib
import decimal
import glob
import heapq
import itertools
import json
import operator
import os
import re
import subprocess
import sys
import zlib
from datetime import datetime, timezone

HELP = """\
usage: spark-submit [SPARK'S OPTION]... httpmon_spark.py [OPTION]... LOG...

Each LOG is a file, a directory (all files below it, except names that start
with . or _) or a pattern; .gz, .bz2, .xz and .zst are unpacked. The workers
need the files under the same names, and httpmon. The events of all logs, as
one source, go to standard output in order of time.

As for httpmon, but durations have the short units only (w, d, h, m, s):
  -c, --columns LIST               -t, --threshold RATE[:RECOVERY]
  -d, --delimiter CHAR             -r, --recovery-threshold RATE
      --time-format FORMAT             --low-threshold RATE[:RECOVERY]
  -z, --zone ZONE                  -e, --error-threshold PERCENT[:RECOVERY]
  -i, --interval DURATION              --slow-threshold PERCENT[:RECOVERY]
  -w, --window DURATION                --slow SECONDS
  -l, --lateness DURATION              --min-count N
  -n, --top N                          --source NAME [logs]
For Spark:
      --httpmon FILE   the filter on the workers [httpmon]
      --cat COMMAND    command that writes a LOG, unpacked, to its standard
                       output: --cat 'hdfs dfs -text'; LOGs are not expanded
      --split BYTES    split longer logs, unless packed; 0 = never [128 MiB]
      --output DIR     write files to DIR instead of standard output; joined in
                       the order of their names they are the events
  -q, --quiet          report failures only
  -h, --help           print this help

If no record is late or has a bogus time (late and future are 0), each field of
each event is that of one httpmon that reads all records in order of time,
except p50, p90 and p99 of the latency, which are null.

Each log has its own event time. Servers may be any time apart; --lateness
matters only within a log. Late and future requests count at the second that
their own log had reached, in the rates too. If the clock of a log is set back,
its second run is added to the first and closes no alert. A clock that is
always wrong puts its requests into other windows.

More differences are in httpmon-spark(1).

Exit status: 0 all was read (a log without any readable line is named on
standard error); 1 no line of any log could be read; 2 usage error, or reading
or writing failed.
"""

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other"]
STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"]
UNPACK = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
SINGLE_EMPTY_WINDOWS = 12
GREATEST_SUM = 2**64 - 1
DAY, HOUR = 86_400, 3600
BILLION = 10**9


# The command line.


def duration(least, most):
    """Reads a duration in whole seconds, from `least` to `most`."""

    def read(text):
        units = {"": 1, "s": 1, "m": 60, "h": HOUR, "d": DAY, "w": 7 * DAY}
        if not re.fullmatch(r"\d{1,12}|(\d{1,12}\s*[wdhms]\s*)+", text, re.ASCII):
            raise argparse.ArgumentTypeError(f"not a duration like 90s, 2m or 1h30m: {text!r}")
        parts = re.findall(r"(\d+)\s*([wdhms]?)", text)
        seconds = sum(int(number) * units[unit] for number, unit in parts)
        if not least <= seconds <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most} seconds: {text!r}")
        return seconds

    return read


def number(text):
    """Reads a decimal number above 0 exactly."""
    if not re.fullmatch(r"\d{0,9}(\.\d{1,9})?", text, re.ASCII) or not re.search("[1-9]", text):
        raise argparse.ArgumentTypeError(f"must be a decimal number above 0: {text!r}")
    return decimal.Decimal(text)


def threshold(text):
    """Reads off, or a threshold and its recovery threshold or None."""
    if text == "off":
        return None
    first, colon, second = text.partition(":")
    return number(first), number(second) if colon else None


def count(text):
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"must be a whole number: {text!r}")
    return int(text)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(message)

    def print_help(self, file=None):
        print(HELP, end="")


class Threshold(argparse.Action):
    """--threshold; its RECOVERY replaces an earlier --recovery-threshold."""

    def __call__(self, parser, namespace, value, option_string=None):
        namespace.threshold = value
        if value and value[1]:
            namespace.recovery_threshold = None


def say(message):
    """Writes a diagnostic. spark-submit sends a program's standard error to its own standard output, where the
    events go. Its standard error can be reached only through Java."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        SparkContext._ensure_initialized()
        SparkContext._jvm.java.lang.System.err.println(f"httpmon_spark: {message}")
    else:
        print(f"httpmon_spark: {message}", file=sys.stderr)


def fail(message):
    say(message)
    sys.exit(2)


def parse(arguments):
    parser = Parser(allow_abbrev=False)
    parser.add_argument("logs", nargs="*")
    parser.add_argument("-t", "--threshold", type=threshold, action=Threshold, default=(decimal.Decimal(10), None))
    parser.add_argument("-r", "--recovery-threshold", type=number)
    parser.add_argument("--low-threshold", type=threshold)
    parser.add_argument("-e", "--error-threshold", type=threshold)
    parser.add_argument("--slow-threshold", type=threshold)
    parser.add_argument("--slow", type=number, default=decimal.Decimal(1))
    parser.add_argument("--min-count", type=count, default=5)
    parser.add_argument("-i", "--interval", type=duration(1, 366 * DAY), default=10)
    parser.add_argument("-w", "--window", type=duration(1, 7 * DAY), default=120)
    parser.add_argument("-l", "--lateness", type=duration(0, HOUR), default=5)
    parser.add_argument("-n", "--top", type=count, default=10)
    parser.add_argument("-c", "--columns")
    parser.add_argument("-d", "--delimiter")
    parser.add_argument("-z", "--zone")
    parser.add_argument("--time-format")
    parser.add_argument("--source", default="logs")
    parser.add_argument("--httpmon", default="httpmon")
    parser.add_argument("--cat", type=str.split)
    parser.add_argument("--split", type=count, default=128 << 20)
    parser.add_argument("--output")
    parser.add_argument("-q", "--quiet", action="store_true")
    options = parser.parse_intermixed_args(arguments)
    if options.threshold and options.recovery_threshold:
        options.threshold = options.threshold[0], options.recovery_threshold
    for alert in alerts(options):
        if (alert.threshold - alert.recovery) * alert.side < 0:
            side = "below" if alert.side < 0 else "above"
            parser.error(f"{alert.name}: RECOVERY must not be {side} the threshold")
        if alert.is_share and alert.threshold >= 100:
            parser.error(f"{alert.name}: the threshold must be below 100 percent")
    if not options.logs:
        parser.error("needs at least one LOG (see --help)")
    return options


# The input: pieces of logs.


def find_logs(operands):
    """The files that the operands name, each once."""
    files = set()
    for operand in operands:
        paths = [operand] if os.path.exists(operand) else glob.glob(operand, recursive=True)
        if not paths:
            fail(f"{operand}: no such file")
        for path in map(os.path.abspath, paths):
            if not os.path.isdir(path):
                files.add(path)
            for folder, folders, names in os.walk(path):
                folders[:] = [name for name in folders if name[0] not in "._"]
                files.update(os.path.join(folder, name) for name in names if name[0] not in "._")
    return files


def unpacker(path):
    command = UNPACK.get(os.path.splitext(path)[1])
    return [command, "-dc"] if command else None


def cut(options):
    """Pieces (weight, log, begin, end), largest first; a whole log has no end."""
    if options.cat:
        return [(1, log, 0, None) for log in options.logs]
    pieces = []
    for log in find_logs(options.logs):
        size = os.path.getsize(log)
        if unpacker(log) or size <= options.split or not options.split:
            pieces.append((size * (10 if unpacker(log) else 1), log, 0, None))
        else:
            begins = range(0, size, options.split)
            pieces += [(options.split, log, begin, min(begin + options.split, size)) for begin in begins]
    return sorted(pieces, key=lambda piece: (-piece[0], piece[1:3]))


# On the workers: a piece -> its windows and seconds.

# Keys of the sums: (WINDOW, end) -> a window, (SECONDS, hour) -> counts, (TOTAL, 0) -> totals.
WINDOW, SECONDS, TOTAL = "window", "seconds", "total"


def add(one, other, key=None):
    """The sum of both: numbers are added, tuples, arrays and dicts item by item. None adds nothing."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict):
        for name, value in other.items():
            one[name] = add(one.get(name), value, name)
        return one
    if isinstance(one, tuple):
        return tuple(map(add, one, other))
    if isinstance(one, array.array):
        return array.array(one.typecode, map(operator.add, one, other))
    return max(one, other) if key == "max" else one + other


def negative(value):
    """The value that subtracts `value` when it is added. A maximum stays, as other records may have it too."""
    if isinstance(value, dict):
        return {name: negative(of_name) for name, of_name in value.items()}
    if isinstance(value, tuple):
        return tuple(map(negative, value))
    if isinstance(value, array.array):
        return array.array(value.typecode, map(operator.neg, value))
    return value if value is None else -value


def window_of(event):
    """The counts of a summary. Names are keys; None is the key of all names beyond the filter's limits."""
    fields = "requests", "late", "future", "bytes", "status", "status_codes", "methods", "malformed", "skipped"
    window = {field: event[field] for field in fields}
    window["latency"] = latency = event["latency"]
    if latency:
        nanoseconds = {field: round((latency[field] or 0) * BILLION) for field in ("sum", "max")}
        window["latency"] = {"requests": latency["requests"], **nanoseconds, "slow": latency["slow"]}
    for kind in "section", "host":
        names, others = event[f"{kind}s"], event[f"{kind}s_other"]
        if names is not None:
            names = {each[kind]: (each["requests"], each["server_errors"], each["bytes"]) for each in names}
            if others["requests"]:
                names[None] = others["requests"], others["server_errors"], others["bytes"]
        window[f"{kind}s"] = names
    return window


def windows_of(lines, interval):
    """The windows with requests. Malformed and skipped lines of other windows count in the window before."""
    last = None
    for line in lines:
        event = json.loads(line)
        if event["requests"] == 0 and last:
            for field in "malformed", "skipped":
                last[1][field] += event[field]
            continue
        if last:
            yield last
        last = int(datetime.fromisoformat(event["start"]).timestamp()) + interval, window_of(event)
    if last:
        yield last


def count_seconds(lines):
    """For each hour, three counts for each of its seconds: requests, server errors, slow requests."""
    summary = re.compile(
        rb'"start":"(.{16}):(..)Z","end":"[^"]*","duration_seconds":\d+,"partial":[a-z]*,"requests":(\d+),'
        rb'"requests_per_second":[^,]*,"late":\d+,"future":\d+,"bytes":[^,]*,"latency":(?:null|{[^}]*"slow":(\d+)}),'
        rb'"status":(?:null|{[^}]*"5xx":(\d+))'
    )  # skips the fields that it doesn't name: four times faster than parsing the JSON
    hours, minute = {}, None
    for line in lines:
        if b'"requests":0,"requests_per_second"' in line:
            continue
        start, second, requests, slow, errors = summary.search(line).groups()
        if start != minute:
            minute = start
            hour, within = divmod(int(datetime.fromisoformat(f"{start.decode()}Z").timestamp()), HOUR)
            counts = hours.setdefault(hour, array.array("i", bytes(4 * 3 * HOUR)))
        at = 3 * (within + int(second))
        counts[at] += int(requests)
        counts[at + 1] += int(errors or 0)
        counts[at + 2] += int(slow or 0)
    return hours


def filter_command(options, interval, top):
    """The command of the filter: without alerts, which need all logs, and without the wall clock."""
    command = [options.httpmon, "--quiet", "--threshold=off", "--idle-timeout=0", f"--slow={options.slow}"]
    command += [f"--interval={interval}", f"--top={top}", f"--window={options.window}", f"--lateness={options.lateness}"]
    for name in "columns", "delimiter", "zone", "time_format":
        value = getattr(options, name)
        command += [f"--{name.replace('_', '-')}={value}"] if value is not None else []
    return command


def run_filters(log, begin, end, header, options):
    """Yields keys and values to add to them, of a log from `begin` to `end`."""
    pipe, reader = subprocess.PIPE, [*options.cat, log] if options.cat else unpacker(log)
    started = {}

    def start(name, command, **streams):
        started[name] = subprocess.Popen(command, **streams)
        return started[name]

    with contextlib.ExitStack() as stack:
        source = None if options.cat else stack.enter_context(open(log, "rb", buffering=0))
        if end is not None:
            source.seek(begin)
            reader = ["head", "-c", str(end - begin)]
        counting = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        stack.callback(lambda: [(process.kill(), process.wait()) for process in started.values()])
        by_interval = start("the filter", filter_command(options, options.interval, 0), stdin=pipe, stdout=pipe, stderr=pipe)
        null = subprocess.DEVNULL
        by_second = start("the second filter", filter_command(options, 1, 1), stdin=pipe, stdout=pipe, stderr=null)
        inputs = by_interval.stdin, by_second.stdin
        for each in inputs:
            each.write(header)
            each.flush()
        if reader:
            source = start(reader[0], reader, stdin=source, stdout=pipe).stdout
        other = inputs[0].fileno()
        start("tee", ["tee", f"/dev/fd/{other}"], stdin=source, stdout=inputs[1], pass_fds=[other])
        for each in (*inputs, source):
            each.close()
        seconds = counting.submit(count_seconds, by_second.stdout)
        total = {"has": {}}
        for at, window in windows_of(by_interval.stdout, options.interval):
            total["has"].update((name, 1) for name, value in window.items() if value is not None)
            add(total, {name: window[name] for name in ("requests", "late", "malformed", "skipped")})
            yield (WINDOW, at), window
        said = by_interval.stderr.read().decode(errors="replace").strip()
        is_unread = by_interval.wait() == 1
        for name, process in started.items():
            is_filter = process in (by_interval, by_second)
            if process.wait() != (1 if is_unread and is_filter else 0):
                why = f"{name} ended with status {process.returncode}"
                raise RuntimeError(f"<<{log}: {said if is_filter and said else why}>>")
        if is_unread:
            total["unread"] = {f"{log}: {said}": 1}
        yield (TOTAL, 0), total
        for hour, counts in seconds.result().items():
            yield (SECONDS, hour), counts


def line_begin(log, offset):
    """The offset of the first line that begins at `offset` or after it."""
    with open(log, "rb") as file:
        file.seek(max(offset - 1, 0))
        while offset > 0 and (part := file.readline(1 << 16)):
            if part.endswith(b"\n"):
                break
        return file.tell()


def header_of(log, options):
    """The first lines of a log, as long as the filter skips them."""
    header = b""
    with open(log, "rb") as file:
        for line in itertools.islice(iter(lambda: file.readline(1 << 16), b""), 20):
            monitor = subprocess.run(filter_command(options, 1, 1), input=header + line, capture_output=True)
            if monitor.returncode != 0 or monitor.stdout or not line.endswith(b"\n"):
                break
            header += line
    return header


def read_piece(piece, options):
    """Yields keys and values to add to them. For a piece from the middle of a log the filter starts before it, so
    that it knows the time; the counts of the lines before the piece are subtracted."""
    _, log, begin, end = piece
    try:
        if not begin:
            yield from run_filters(log, 0, end and line_begin(log, end), b"", options)
            return
        begin, end = line_begin(log, begin), line_begin(log, end)
        if begin < end:
            header, before = header_of(log, options), line_begin(log, begin - max(options.split // 32, 1 << 16))
            yield from run_filters(log, before, end, header, options)
            for key, value in run_filters(log, before, begin, header, options):
                if key[0] == TOTAL:
                    value.pop("unread", None)
                yield key, negative(value)
    except OSError as error:
        raise RuntimeError(f"<<{log}: {error}>>") from error


# On the driver: seconds -> alerts, recoveries, and which windows there are.


class Alert:
    """One rule, four uses. `place` is the index of what it judges in (requests, server errors, slow requests)."""

    def __init__(self, rank, name, place, limits, options):
        self.rank, self.name, self.place, self.options = rank, name, place, options
        self.threshold, self.recovery = limits[0], limits[1] or limits[0]
        self.title = name.replace("_", " ").capitalize()
        self.side = -1 if name == "low_traffic" else 1
        self.is_share = place > 0
        # Whole numbers: billionths of a request per second, or of a percent.
        self.raised_at, self.recovers_at = int(self.threshold * BILLION), int(self.recovery * BILLION)
        self.worst = self.since = None

    def is_beyond(self, sums, limit, side):
        measured = sums[self.place] * BILLION
        excess = 100 * measured - limit * sums[0] if self.is_share else measured - limit * self.options.window
        return excess * side > 0

    def judge(self, second, sums, first_full):
        """The event of a second, or None."""
        if self.since is None:
            least = self.options.min_count if self.is_share else 0
            may_be = sums[self.place] >= least and (self.side > 0 or second >= first_full)
            if may_be and self.is_beyond(sums, self.raised_at, self.side):
                self.since, self.worst = second, (sums, second)
                return self.event("alert", second, sums, self.threshold)
        elif self.is_beyond(sums, self.recovers_at, -self.side):
            event = self.event("recovery", second, sums, self.recovery)
            self.since = None
            return event
        elif (sums[self.place] - self.worst[0][self.place]) * self.side > 0:
            self.worst = sums, second
        return None

    def event(self, kind, second, sums, limit):
        event = {"type": kind, "source": self.options.source, "time": show(second), "name": self.name}
        if kind == "recovery":
            lasted = second - self.since
            event |= {"reason": "recovered", "since": show(self.since), "duration_seconds": lasted}
        window = self.options.window
        event |= {"window_seconds": window, "requests": sums[0], "requests_per_second": sums[0] / window}
        measured, what = sums[self.place], [None, "server_errors", "slow_requests"][self.place]
        if what:
            event |= {what: measured, f"{what}_percent": 100 * measured / sums[0] if sums[0] else 0.0}
        if what == "slow_requests":
            event["slow_seconds"] = float(self.options.slow)
        event["threshold"] = float(limit)
        numbers = ["hits = {}", "errors = {} of {}", "slow = {} of {}"][self.place].format(measured, sums[0])
        if kind == "alert":
            event["message"] = f"{self.title} generated an alert - {numbers}, triggered at {event['time']}"
            return event
        worst, at = self.worst
        if what:
            event[f"peak_{what}"] = worst[self.place]
        extreme = "lowest" if self.side < 0 else "peak"
        event |= {f"{extreme}_requests": worst[0], f"{extreme}_time": show(at)}
        title = self.title[0].lower() + self.title[1:]
        event["message"] = f"Recovered from {title} - {numbers}, recovered at {event['time']} after {lasted} s"
        return event


def alerts(options):
    """The alerts that are on, in their order."""
    uses = [("high_traffic", 0, options.threshold), ("low_traffic", 0, options.low_threshold)]
    uses += [("high_errors", 1, options.error_threshold), ("slow_requests", 2, options.slow_threshold)]
    return [Alert(rank, *use, options) for rank, use in enumerate(uses) if use[2]]


def seconds_in(hours):
    """The seconds with requests in order, each with its three counts, from compressed hours."""
    for hour in sorted(hours):
        counts = array.array("i", zlib.decompress(hours[hour]))
        for second, three in enumerate(zip(*[iter(counts)] * 3), hour * HOUR):
            if three[0]:
                yield second, three


def sums_of_windows(hours, window, stop, last):
    """The seconds at which the sums of the alert window change, and the second `stop`, each with the sums."""
    coming = seconds_in(hours)
    going = ((second + window, tuple(map(operator.neg, counts))) for second, counts in seconds_in(hours))
    changes = heapq.merge(coming, going, [(stop, (0, 0, 0))])
    sums = 0, 0, 0
    for second, group in itertools.groupby(changes, key=operator.itemgetter(0)):
        if second > last:
            return
        for _, counts in group:
            sums = sums[0] + counts[0], sums[1] + counts[1], sums[2] + counts[2]
        yield second, sums


def judge(hours, first, last, options):
    """Events with their sort keys, and the times at which the active alerts change."""
    events, changes = [], [(first, [])]
    first_full = first + options.window - 1
    judged = alerts(options)
    for second, sums in sums_of_windows(hours, options.window, first_full, last):
        of_second = [(alert.rank, event) for alert in judged if (event := alert.judge(second, sums, first_full))]
        if of_second:
            events += [((second + 1, 0, rank), encode(event)) for rank, event in of_second]
            changes.append((second, [alert.name for alert in judged if alert.since is not None]))
    return events, changes


def empty_windows(hours, changes, interval):
    """Windows (start, end) without requests: up to 12 after each window with requests, then one for the rest of the
    gap, which is split at alerts and recoveries."""
    starts = (second - second % interval for second, _ in seconds_in(hours))
    times = [second for second, _ in changes]
    for before, start in itertools.pairwise(each for each, _ in itertools.groupby(starts)):
        rest = min(start, before + (SINGLE_EMPTY_WINDOWS + 1) * interval)
        yield from ((at, at + interval) for at in range(before + interval, rest, interval))
        inside = times[bisect.bisect_left(times, rest) : bisect.bisect_left(times, start)]
        ends = {second - second % interval for second in inside} | {rest, start}
        yield from itertools.pairwise(sorted(ends))


# Windows -> summaries.


def show(second):
    return f"{datetime.fromtimestamp(second, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def encode(event):
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def rank_names(window, kind, top):
    """The busiest names of a window, and the sums of the others."""
    names = window[f"{kind}s"]
    if names is None:
        return None, None
    beyond = names.pop(None, None)
    known = [(name, *counts) for name, counts in names.items() if counts[0] > 0]
    listed = heapq.nsmallest(top or len(known), known, key=lambda each: (-each[1], each[0]))
    are_listed = {name for name, *_ in listed}
    others = [each[1:] for each in known if each[0] not in are_listed]
    sums = 0, None if window["status"] is None else 0, None if window["bytes"] is None else 0
    for counts in *others, beyond:
        sums = add(sums, counts)

    def numbers(counts):
        return {"requests": counts[0], "server_errors": counts[1], "bytes": counts[2] and min(counts[2], GREATEST_SUM)}

    return (
        [{kind: name, **numbers(counts)} for name, *counts in listed],
        {"distinct": len(others), **numbers(sums), "capped": bool(beyond and beyond[0])},
    )


def summary(start, end, window, active, options, found):
    """The event of a window; `window` is None if it has no requests."""
    empty = {"bytes": 0, "latency": {}, "status": {}, "status_codes": {}, "methods": {}, "sections": {}, "hosts": {}}
    window = window or {name: value if name in found["has"] else None for name, value in empty.items()}
    requests = window.get("requests", 0)
    latency = window["latency"]
    if latency is not None:
        is_known = latency.get("requests")
        latency = {
            "requests": latency.get("requests", 0), "sum": latency.get("sum", 0) / BILLION,
            "p50": None, "p90": None, "p99": None,
            "max": latency["max"] / BILLION if is_known else None, "slow": latency.get("slow", 0),
        }  # fmt: skip
    status, codes, methods = window["status"], window["status_codes"], window["methods"]
    sections, sections_other = rank_names(window, "section", options.top)
    hosts, hosts_other = rank_names(window, "host", options.top)
    return encode({
        "type": "summary", "source": options.source, "start": show(start), "end": show(end),
        "duration_seconds": end - start, "partial": start < found["first"] or end - 1 > found["last"],
        "requests": requests, "requests_per_second": requests / (end - start),
        "late": window.get("late", 0), "future": window.get("future", 0),
        "bytes": None if window["bytes"] is None else min(window["bytes"], GREATEST_SUM), "latency": latency,
        "status": None if status is None else {name: status.get(name, 0) for name in STATUS_CLASSES},
        "status_codes": None if codes is None else {code: codes[code] for code in sorted(codes, key=int) if codes[code]},
        "methods": None if methods is None else {name: methods[name] for name in METHODS if methods.get(name)},
        "sections": sections, "sections_other": sections_other, "hosts": hosts, "hosts_other": hosts_other,
        "alerting": bool(active), "alerts": active,
        "malformed": window.get("malformed", 0), "skipped": window.get("skipped", 0),
    })  # fmt: skip


# The whole job.


def read_all(context, options):
    """The sums of all pieces by key, and the number of partitions that have no windows; windows are in later ones."""
    pieces = cut(options)
    tasks = min(len(pieces), max(4 * context.defaultParallelism, sum(piece[0] for piece in pieces) >> 27))
    if options.cat:
        tasks = min(len(pieces), 1000)
    dealt = context.parallelize([pieces[task::tasks] for task in range(tasks)], tasks)
    read = dealt.flatMap(lambda of_task: (found for piece in of_task for found in read_piece(piece, options)))

    def partition(key):
        return tasks + key[1] // options.interval % tasks if key[0] == WINDOW else key[1] % tasks

    return read.reduceByKey(add, 2 * tasks, partition), tasks


def events_of(context, options):
    """The events of all logs in order of time, and the totals."""
    read, tasks = read_all(context, options)

    def pack(added):
        for (kind, hour), value in added:
            if kind == TOTAL:
                yield TOTAL, value
            elif any(value):
                yield hour, zlib.compress(value, 1)

    hours = dict(context.runJob(read, pack, range(tasks)))
    found = hours.pop(TOTAL)
    if not found.get("requests"):
        return None, found
    first, last = next(seconds_in(hours))[0], max(second for second, _ in seconds_in({max(hours): hours[max(hours)]}))
    found |= {"first": first, "last": last}
    changed, changes = judge(hours, first, last, options)
    shared = context.broadcast((changes, found))

    def show_window(start, end, window):
        changes, found = shared.value
        at = bisect.bisect_right(changes, min(end - 1, found["last"]), key=operator.itemgetter(0))
        return (end, 1, 0), summary(start, end, window, changes[max(at - 1, 0)][1], options, found)

    def by_time(key):
        return min(max(key[0] - first, 0) * tasks // (last - first + 1), tasks - 1)

    busy = read.filter(lambda each: each[0][0] == WINDOW and each[1]["requests"] > 0)
    busy = busy.map(lambda each: show_window(each[0][1] - options.interval, each[0][1], each[1]))
    empty = context.parallelize(empty_windows(hours, changes, options.interval), tasks)
    empty = empty.map(lambda each: show_window(*each, None))
    events = context.union([busy, empty, context.parallelize(changed, 1)])
    return events.repartitionAndSortWithinPartitions(tasks, by_time).values(), found


def diagnose(found, options):
    if options.quiet:
        return
    unread = sorted(found.get("unread", ()))
    lines = unread[:10]
    lines += [f"{len(unread) - 10} more logs without a readable line"] if len(unread) > 10 else []
    if found.get("malformed"):
        every = found["requests"] + found["malformed"] + found["skipped"]
        lines.append(f"{found['malformed']} of {every} lines were malformed")
    if found.get("late", 0) * 100 > found.get("requests", 0):
        lines.append(f"{found['late']} of {found['requests']} requests came late in their own logs: try a longer --lateness")
    for line in lines:
        say(line)


def main():
    options = parse(sys.argv[1:])
    context = SparkContext(appName="httpmon")
    context.setLogLevel("FATAL")  # Spark repeats what fails; if that doesn't help, one line of our own says why
    try:
        events, found = events_of(context, options)
        if events is not None and options.output:
            events.saveAsTextFile(options.output)
        elif events is not None:
            for line in events.toLocalIterator(prefetchPartitions=True):
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        fail(error)
    except Exception as error:  # of the JVM or of a worker; the message that matters is deep inside
        own = re.search("RuntimeError: <<(.*?)>>", str(error))
        fail(own[1] if own else str(error).strip().splitlines()[0])
    finally:
        context.stop()
    diagnose(found, options)
    return 1 if "unread" in found and events is None else 0


if __name__ == "__main__":
    try:
        from pyspark import SparkContext
    except ImportError:
        if not {"-h", "--help"} & set(sys.argv[1:]):
            fail("pyspark is missing: run this with spark-submit or httpmon-spark")
    sys.exit(main())
