"""A program of the benchmark, and what its runs took."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

# Peak memory is taken by GNU time: a process that Python starts begins with Python's own peak.
TIME = "/usr/bin/time"
MB = 1e6


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Run:
    """What one run of a program took: seconds, and bytes of memory."""

    def __init__(self, wall, cpu, memory):
        self.wall, self.cpu, self.memory = wall, cpu, memory


def read_through(log):
    """Brings all of it into the page cache, which some machines empty within seconds."""
    buffer = bytearray(1 << 20)
    with open(log, "rb", buffering=0) as source:
        while source.readinto(buffer):
            pass


class Program:
    def __init__(self, name, argv, log, job="", answer=None, parts=()):
        self.name, self.argv, self.log, self.job = name, argv, log, job
        # How its answer is read, and which parts of ours that has.
        self.answer, self.parts = answer, parts
        self.verdict = ""
        self.is_slow = False
        self.runs = []

    def run(self, log=None, output=os.devnull):
        read_through(log or self.log)
        with (
            tempfile.NamedTemporaryFile() as peak,
            open(log or self.log, "rb") as source,
            open(output, "wb") as out,
        ):
            begin = time.perf_counter()
            process = subprocess.Popen(
                [TIME, "-o", peak.name, "-f", "%M", *self.argv],
                stdin=source,
                stdout=out,
                stderr=subprocess.PIPE,
            )
            complaint = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            process.stderr.close()
            if process.returncode != 0:
                text = complaint.decode(errors="replace").strip()[-500:]
                raise RuntimeError(f"{self.name}: status {process.returncode}: {text}")
            memory = int(peak.read().split()[-1]) * 1024
        return Run(wall, usage.ru_utime + usage.ru_stime, memory)

    def measure(self):
        self.runs.append(self.run())

    def median(self, what):
        return statistics.median(getattr(run, what) for run in self.runs)

    @property
    def wall(self):
        return self.median("wall")

    @property
    def cpu(self):
        return self.median("cpu")

    @property
    def memory(self):
        return self.median("memory")

    @property
    def speed(self):
        return os.path.getsize(self.log) / MB / self.wall
