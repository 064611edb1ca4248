"""What isn't a matter of a whole log: start-up, latency, and CPU while nothing comes."""

import json
import os
import random
import select
import statistics
import subprocess
import time

from answers import second


def start_up(argv, runs=100):
    """Seconds from starting the program on an empty input to its end; the median."""
    took = []
    for _ in range(runs):
        begin = time.perf_counter()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        ]
        process = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
        os.waitpid(process, 0)
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def record(at):
    return b'"10.0.0.1","-","apache",%d,"GET /api/user HTTP/1.1",200,1234\n' % at


def latencies(argv, lines=200):
    """Seconds from each line that closes a window, written to a pipe, to its event in another."""
    start, took = 1_000_000_000, []
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        source, events = process.stdin.fileno(), process.stdout.fileno()
        os.write(source, record(start + 5))
        for number in range(1, lines + 1):
            time.sleep(random.uniform(0.001, 0.01))
            begin = time.perf_counter()
            # With a lateness of 5 s this closes the last second of the window before.
            os.write(source, record(start + 10 * number + 5))
            text = b""
            while not text.endswith(b"\n"):
                if not select.select([events], [], [], 10)[0]:
                    raise RuntimeError("no event came within 10 s of the line that closes its window")
                text += os.read(events, 1 << 16)
            took.append(time.perf_counter() - begin)
            if second(json.loads(text)["end"]) != start + 10 * number:
                raise RuntimeError(f"another event came than that of the window just closed: {text!r}")
    return took


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/schedstat", encoding="ascii") as text:
        return int(text.read().split()[0]) / 1e9


def idle_cpu(argv, seconds):
    """CPU seconds per second on an open, empty pipe: after old lines, and after fresh ones."""
    cases = {"old": [], "live": ["--idle-timeout", "1s"]}
    with open(os.devnull, "wb") as null:
        processes = {
            case: subprocess.Popen([*argv, *more], stdin=subprocess.PIPE, stdout=null)
            for case, more in cases.items()
        }
        for case, process in processes.items():
            process.stdin.write(record(1_000_000_000 if case == "old" else int(time.time())))
            process.stdin.flush()
        time.sleep(3)
        before = {case: cpu_seconds(process) for case, process in processes.items()}
        time.sleep(seconds)
        took = {case: (cpu_seconds(process) - before[case]) / seconds for case, process in processes.items()}
        for process in processes.values():
            process.stdin.close()
            process.wait()
    return took
