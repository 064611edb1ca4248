"""Measures the filter on a family of logs, each against the csv crate's bare loop.

For scripts/bench, which makes the logs and builds the programs. Linux only. The two
programs run one after the other, so that a slow moment of the machine hits both; each
ratio is the median of the pairs' ratios.
"""

import argparse
import json
import os
import statistics
import sys
import time

from measure import machine, table
from program import MB, Program, say

# The name of a row, its log, the log of the csv crate's loop, and the most that is wanted:
# our CPU time divided by the loop's.
FAMILY = (
    ("few", "plain", "plain", 0.70),
    ("zipf", "zipf", "zipf", 0.85),
    ("uniform", "uniform", "uniform", 0.90),
    ("ipv6", "ipv6", "ipv6", 0.85),
    ("shuffled CLF", "shuffled", "shuffled", 0.75),
    ("milliseconds (decimals)", "msec", "msec", 0.75),
    ("milliseconds (13 digits)", "milliseconds", "milliseconds", 0.75),
    ("agent", "agent", "agent", 0.55),
    ("combined", "combined", "agent", 0.60),
    ("busy", "busy", "busy", 0.95),
    ("slow", "slow", "slow", 1.5),
    ("hostile", "hostile", "hostile", None),
    ("latency", "latency", "latency", None),
)
WHAT = {
    "few": "1 to 135 requests a second, 64 hosts, epoch seconds",
    "zipf": "500 a second, 20,000 hosts by Zipf's law",
    "uniform": "500 a second, 200,000 hosts, each as likely",
    "ipv6": "as zipf, IPv6 addresses",
    "shuffled CLF": "as zipf, CLF times, up to 2 s out of order",
    "milliseconds (decimals)": "as zipf, times like 1700000000.123",
    "milliseconds (13 digits)": "as zipf, times like 1700000000123",
    "agent": "as zipf, CLF times, referer and agent",
    "combined": "the same as nginx and Apache write it by default; the loop reads agent's",
    "busy": "as zipf, 5,000 a second",
    "slow": "5 a second, 64 hosts",
    "hostile": "17,000 a second, each a new host and section, some long",
    "latency": "as few, with the time that the request took",
}
# The most memory in MB, with the defaults and with the options that keep most windows open.
MOST_MB, MOST_MB_OF_MANY = 8, 40
MANY_NAMES = ("uniform", "hostile")
OPEN = ["--lateness", "1h", "--interval", "1s"]


def counted(path):
    """All requests and malformed lines in the summaries of a file of events."""
    requests = malformed = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["type"] == "summary":
                requests += event["requests"]
                malformed += event["malformed"]
    return requests, malformed


def same(one, other):
    with open(one, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read()


class Row:
    """One log, and the programs that read it."""

    def __init__(self, options, name, log, loop_log, most):
        self.options, self.name, self.most = options, name, most
        self.log, loop_log = options.log(log), options.log(loop_log)
        self.httpmon = Program("httpmon", [options.httpmon], self.log)
        self.loop = Program("csv_loop", [options.csv_loop], loop_log)
        self.against = options.against and Program("the other", [options.against], self.log)
        self.open = Program("httpmon " + " ".join(OPEN), [options.httpmon, *OPEN], self.log)
        self.verdict = ""

    def check(self):
        """Whether every record was counted."""
        output = os.path.join(self.options.dir, "events.ndjson")
        self.httpmon.run(output=output)
        requests, malformed = counted(output)
        if (requests, malformed) != (self.options.records, 0):
            self.verdict = f"**{requests} counted, {malformed} malformed**"
        elif self.against:
            self.against.run(output=output + ".other")
            self.verdict = "same events" if same(output, output + ".other") else "**other events**"
            os.remove(output + ".other")
        else:
            self.verdict = "all counted"
        os.remove(output)

    def measure(self):
        for _ in range(self.options.runs):
            for program in (self.httpmon, self.loop, self.against):
                if program:
                    program.measure()
        # How much memory it takes doesn't vary with what else runs.
        self.open.measure()

    def ratio(self, one, other):
        pairs = zip(one.runs, other.runs, strict=True)
        return statistics.median(run.cpu / than.cpu for run, than in pairs)

    def cells(self):
        ratio = self.ratio(self.httpmon, self.loop)
        most = MOST_MB_OF_MANY if self.name in MANY_NAMES else MOST_MB
        memory = [program.memory / MB for program in (self.httpmon, self.open)]
        missed = [
            what
            for what, is_missed in (
                ("speed", self.most is not None and round(ratio, 2) > self.most),
                ("memory", memory[0] > most),
                ("memory with many windows", memory[1] > MOST_MB_OF_MANY),
            )
            if is_missed
        ]
        cells = [
            self.name,
            WHAT[self.name],
            f"{os.path.getsize(self.log) / MB:,.0f}",
            f"{self.httpmon.cpu:.3f}",
            f"{self.loop.cpu:.3f}",
            f"**{ratio:.2f}**",
            "" if self.most is None else f"{self.most:.2f}",
            *(f"{figure:.1f}" for figure in memory),
            ("**missed**: " + ", ".join(missed)) if missed else "holds",
            self.verdict,
        ]
        if self.against:
            cells.insert(6, f"{self.ratio(self.against, self.loop):.2f}")
        return ratio, bool(missed), cells


def pipe(options):
    """Wall time of `cat log | httpmon` divided by that of `httpmon < log`; the median of the pairs."""
    log = options.log("plain")
    file = Program("httpmon", [options.httpmon], log)
    piped = Program("cat log | httpmon", ["sh", "-c", 'cat | "$1"', "sh", options.httpmon], log)
    for _ in range(2 * options.runs):
        file.measure()
        piped.measure()
    return statistics.median(one.wall / other.wall for one, other in zip(piped.runs, file.runs, strict=True))


def columns(options):
    """CPU time with the latency column read, divided by that with it passed over."""
    log = options.log("latency")
    usual = "host,-,user,time,request,status,bytes,"
    read, passed = (
        Program(what, [options.httpmon, "--columns", usual + what], log) for what in ("latency", "-")
    )
    try:
        for _ in range(2 * options.runs):
            read.measure()
            passed.measure()
    except RuntimeError as error:
        say(f"the latency column: {error}")
        return None
    return statistics.median(one.cpu / other.cpu for one, other in zip(read.runs, passed.runs, strict=True))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--httpmon", required=True)
    parser.add_argument("--csv-loop", required=True)
    parser.add_argument("--against", default="")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.log = lambda kind: os.path.join(options.dir, f"{kind}.{options.records}.csv")
    wanted = [row for row in FAMILY if not options.only or row[1] in options.only.split(",")]
    rows, wrong, misses = [], 0, 0
    for name, log, loop_log, most in wanted:
        say(f"{name}: {WHAT[name]}")
        row = Row(options, name, log, loop_log, most)
        try:
            row.check()
            row.measure()
        except RuntimeError as error:
            say(str(error))
            rows.append((9, [name, WHAT[name], *[""] * (9 if options.against else 8), "**none**: it failed"]))
            wrong += 1
            continue
        wrong += row.verdict.startswith("**")
        ratio, is_missed, cells = row.cells()
        misses += is_missed
        rows.append((ratio, cells))
    print(f"{options.records:,} records in each log, standard input a file in the page cache, output to")
    print(f"`/dev/null`; medians of {options.runs} pairs in turn. {machine()};")
    print(time.strftime("%Y-%m-%d.\n", time.gmtime()))
    head = ["log", "what", " MB", " CPU s", " csv loop's", " ratio", " at most", " peak MB"]
    head += [" " + " ".join(OPEN), "", "answer"]
    if options.against:
        head.insert(6, " the other's")
    # The worst first.
    table(head, [cells for _, cells in sorted(rows, key=lambda row: -row[0])])
    if not options.only:
        lines = [("wall time from a pipe, of that from a file", pipe(options), 1.25)]
        lines.append(("CPU time with a latency column, of that without", columns(options), 1.10))
        cells = []
        for what, figure, most in lines:
            if figure is None:
                cells.append([what, "", f"{most:.2f}", "not measured"])
                continue
            is_missed = round(figure, 2) > most
            misses += is_missed
            cells.append([what, f"{figure:.2f}", f"{most:.2f}", "**missed**" if is_missed else "holds"])
        table(["what", " ratio", " at most", ""], cells)
    say(f"{misses} targets missed")
    if wrong:
        say(f"{wrong} answers are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        say(str(error))
        sys.exit(1)
