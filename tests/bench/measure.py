"""Runs the programs of the benchmark in turn and prints what came of it as Markdown.

For scripts/bench, which makes the logs and builds the programs, and says what the options
mean. Linux only.
"""

import argparse
import hashlib
import os
import platform
import re
import statistics
import sys
import time

import live
from answers import answer_of_events, answer_of_number, compare
from peers import peers
from program import MB, Program, say

# A peer that takes longer is run once, on a tenth of the log.
SLOW_SECONDS = 20.0
KINDS = {
    "plain": "in order of time",
    "jittered": "up to 2 s out of order",
    "hosts": "200,000 hosts",
    "escaped": 'a `""` in every line',
    "backslash": 'a `\\"` in every line',
    "rfc3339": "RFC 3339 times",
    "clf": "CLF dates",
    "wide": "20 columns",
    "hostile": "each record a new host and section, some long",
}
# These logs say the same as the plain one.
ALIKE = ("escaped", "backslash", "rfc3339", "clf", "wide")
FAILED = "**none**: it failed"


class Bench:
    """All programs, on all logs."""

    def __init__(self, options):
        self.options = options
        self.ours = ours = [options.httpmon]
        self.plain = plain = self.log("plain", options.records)
        self.tenth = self.log("plain", options.records // 10)
        job = "every field of the summary; alerts"
        self.kinds = {kind: Program("httpmon", ours, self.log(kind, options.records), job) for kind in KINDS}
        self.httpmon = self.kinds["plain"]
        self.small = Program("httpmon, a tenth", ours, self.tenth)
        cat = ["sh", "-c", 'cat | "$1"', "sh", *ours]
        self.pipe = Program("cat log | httpmon", cat, plain, "the same, from a pipe")
        loop, wc = [options.csv_loop], ["wc", "-l"]
        number = {"answer": answer_of_number, "parts": ("records",)}
        self.csv = Program("csv crate, bare `ByteRecord` loop", loop, plain, "nothing", **number)
        self.wc = Program("wc -l", wc, plain, "newlines", **number)
        self.peers, self.missing = ([], []) if options.no_peers else peers(plain, options.venv)
        self.wrong = 0

    def log(self, kind, records):
        return os.path.join(self.options.dir, f"{kind}.{records}.csv")

    def answer_ours(self):
        output = os.path.join(self.options.dir, "events.ndjson")
        digests = {}
        for kind, program in self.kinds.items():
            say(f"answer of httpmon on {kind}")
            program.run(output=output)
            answer = answer_of_events(output)
            with open(output, "rb") as events:
                digests[kind] = hashlib.sha256(events.read()).digest()
            if answer["records"] != self.options.records or answer["malformed"]:
                program.verdict = f"**{answer['records']} counted, {answer['malformed']} malformed**"
            elif kind not in ALIKE:
                program.verdict = "all counted"
            else:
                program.verdict = "as plain" if digests[kind] == digests["plain"] else "**not as plain**"
            self.wrong += program.verdict.startswith("**")
        Program("httpmon", [*self.ours, "--top", "0"], self.tenth).run(output=output)
        answer = answer_of_events(output)
        os.remove(output)
        return answer

    def answer_theirs(self, ours):
        """Compares the answers on a tenth of the log, and finds out who is slow."""
        output = os.path.join(self.options.dir, "answer")
        for program in [self.csv, self.wc, *self.peers]:
            say(f"answer of {program.name}")
            try:
                run = program.run(self.tenth, output)
                if SLOW_SECONDS < 10 * run.wall < 2 * SLOW_SECONDS:
                    # Its start may have been what took so long.
                    run = min(run, program.run(self.tenth, output), key=lambda one: one.wall)
                if 10 * run.wall > SLOW_SECONDS:
                    program.is_slow, program.runs = True, [run]
                program.verdict = compare(ours, program.answer(output), program.parts)
                self.wrong += program.verdict.startswith("**")
            except (RuntimeError, ValueError, LookupError, TypeError) as error:
                self.give_up(program, error)
        os.remove(output)

    def give_up(self, program, error):
        if program not in self.peers:
            raise error
        say(f"{program.name}: {error!r}")
        program.verdict, program.is_slow, program.runs = FAILED, True, []
        self.wrong += 1

    def measure(self):
        """Runs all in turn, so that a slow moment of the machine doesn't hit one of them alone."""
        for number in range(self.options.runs):
            turn = [self.csv, *self.kinds.values(), self.pipe, self.small, self.wc]
            for program in [*turn, *(peer for peer in self.peers if not peer.is_slow)]:
                log = os.path.basename(program.log)
                say(f"run {number + 1} of {self.options.runs}: {program.name} < {log}")
                try:
                    program.measure()
                except RuntimeError as error:
                    self.give_up(program, error)

    def ratio(self, program):
        """How many times our wall time it took, on the same log."""
        return program.wall / (self.small if program.is_slow else self.httpmon).wall


class Targets:
    def __init__(self):
        self.rows = []
        self.missed = 0

    def add(self, what, holds, figure, wanted):
        self.missed += not holds
        self.rows.append((what, figure, wanted, "holds" if holds else "**missed**"))

    def at_most(self, what, figure, most, goal=None):
        self.add(what, figure <= most, f"{figure:.2f}", f"at most {most}" + wish(goal))

    def at_least(self, what, figure, least, goal=None):
        self.add(what, figure >= least, f"{figure:.2f}", f"at least {least}" + wish(goal))


def wish(goal):
    return f"; {goal} if it can be" if goal else ""


def judge(bench):
    targets, httpmon, small, kinds = Targets(), bench.httpmon, bench.small, bench.kinds
    targets.at_most("wall time, of the csv crate's bare loop's", httpmon.wall / bench.csv.wall, 1, 0.75)
    targets.at_most("CPU time, of the csv crate's bare loop's", httpmon.cpu / bench.csv.cpu, 1)
    for name, least, goal in (
        ("mawk", 9, 12),
        ("ClickHouse", 2.2, 3),
        ("DuckDB", 5, None),
        ("Polars", 5, None),
    ):
        what = f"times as fast as {name}"
        found = [peer for peer in bench.peers if peer.name.startswith(name) and peer.runs]
        if found:
            targets.at_least(what, bench.ratio(found[0]), least, goal)
        else:
            targets.rows.append((what, "", f"at least {least}" + wish(goal), "not measured"))
    targets.at_most("wall time from a pipe, of that from a file", bench.pipe.wall / httpmon.wall, 1.25)
    targets.at_most("ten times the records: times the wall time", httpmon.wall / small.wall, 10.5)
    holds = httpmon.memory <= min(1.1 * small.memory, 8 * MB)
    figure = f"{small.memory / MB:.1f} -> {httpmon.memory / MB:.1f} MB"
    targets.add("ten times the records: peak memory", holds, figure, "the same within 10 %; at most 8 MB")
    for kind in ("escaped", "backslash"):
        targets.at_least(f"MB/s with {KINDS[kind]}", kinds[kind].speed, 400)
    for kind in ("rfc3339", "clf", "wide"):
        what = f"MB/s with {KINDS[kind]}, of the plain log's"
        targets.at_least(what, kinds[kind].speed / httpmon.speed, 0.5)

    start, least = live.start_up(bench.ours), live.start_up(["true"])
    figure = f"{start * 1e3:.1f} ms (`true`: {least * 1e3:.1f} ms)"
    targets.add("start-up, on an empty input", start < 0.005, figure, "under 5 ms")
    took = sorted(live.latencies(bench.ours))
    most = took[len(took) * 99 // 100]
    figure = f"{statistics.median(took) * 1e3:.2f} ms, 99 in 100 within {most * 1e3:.2f} ms"
    targets.add("latency, line that closes a window to its event", most <= 0.010, figure, "within 10 ms")
    idle = live.idle_cpu(bench.ours, bench.options.idle)
    figure = ", ".join(f"{case} log {used * 1e3:.3f} ms/s" for case, used in idle.items())
    what = f"idle CPU, {bench.options.idle:g} s on an open pipe"
    targets.add(what, max(idle.values()) < 0.001, figure, "below 1 ms/s")
    return targets


def table(head, rows):
    """Columns of figures, marked with a blank before their names, are set to the right."""
    lines = [
        [name.strip() for name in head],
        ["---:" if name.startswith(" ") else "---" for name in head],
        *rows,
    ]
    for line in lines:
        print("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |")
    print()


def figures(program):
    if not program.runs:
        return ["", "", ""]
    return [f"{program.wall:.2f}", f"{program.cpu:.2f}", f"{program.memory / MB:,.1f}"]


def report(bench, targets):
    options, plain = bench.options, os.path.getsize(bench.plain) / MB
    print(
        f"{options.records:,} records ({plain:,.0f} MB), standard input a file in the page cache, output to"
    )
    print(f"`/dev/null`; medians of {options.runs} runs in turn. {machine()};")
    print(time.strftime("%Y-%m-%d.\n", time.gmtime()))

    rows = []
    programs = [bench.httpmon, bench.pipe, bench.csv, bench.wc, *bench.peers]
    for program in sorted(programs, key=lambda one: (one.is_slow, one.wall if one.runs else float("inf"))):
        name = program.name + (" (a tenth, once)" if program.is_slow and program.runs else "")
        ratio = f"{bench.ratio(program):.1f}" if program.runs else ""
        rows.append([name, program.job, *figures(program), ratio, program.verdict])
    table(["program", "job", " wall s", " CPU s", " peak MB", " x our wall", "answer"], rows)

    rows = []
    for kind, program in bench.kinds.items():
        speeds = [f"{program.speed:,.0f}", f"{program.speed / bench.httpmon.speed:.2f}"]
        size = f"{os.path.getsize(program.log) / MB:,.0f}"
        rows.append([kind, KINDS[kind], size, *figures(program), *speeds, program.verdict])
    table(["log", "what", " MB", " wall s", " CPU s", " peak MB", " MB/s", " of plain", "answer"], rows)

    table(["target", "figure", "wanted", ""], targets.rows)
    if bench.missing:
        print("Not here:\n")
        for name, install in bench.missing:
            print(f"- {name}: `{install}`")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        found = re.search(r"^model name\s*:\s*(.*)$", text.read(), re.MULTILINE)
    model = found.group(1) if found else platform.machine()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--idle", type=float, required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--httpmon", required=True)
    parser.add_argument("--csv-loop", required=True)
    parser.add_argument("--venv", required=True)
    parser.add_argument("--no-peers", action="store_true")
    bench = Bench(parser.parse_args())
    bench.answer_theirs(bench.answer_ours())
    bench.measure()
    say("start-up, latency, idle")
    targets = judge(bench)
    report(bench, targets)
    say(f"{targets.missed} of {len(targets.rows)} targets missed")
    if bench.wrong:
        say(f"{bench.wrong} answers are wrong")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        say(str(error))
        sys.exit(1)
