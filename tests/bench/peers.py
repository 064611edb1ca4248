"""The peers: which are here, what each is asked, and how the others are installed.

Each does the closest equal job that it can in one pass over standard input.
"""

import os
import re
import shutil
import subprocess

from answers import (
    answer_of_agrind,
    answer_of_csv,
    answer_of_goaccess,
    answer_of_kelora,
    answer_of_lines,
)
from program import Program

COUNTS = "counts by window, section, status"
BOTH = COUNTS + "; alerts"


def version(argv):
    try:
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    except OSError:
        return ""
    found = re.search(rb"\d+\.\d+(\.\d+)*(-\d{8})?", done.stdout + done.stderr)
    return " " + found.group().decode() if found else ""


def python_with(module, venv):
    """A Python that has the module: that of the venv, or the one of the PATH."""
    for python in (os.path.join(venv, "bin", "python"), "python3"):
        if shutil.which(python):
            found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
            if found.returncode == 0:
                return python
    return None


def duckdb_program(venv):
    """The program itself: what the package puts on the PATH is a script that starts it."""
    for python in (os.path.join(venv, "bin", "python"), "python3"):
        if shutil.which(python):
            code = (
                "import importlib.util as u; print(u.find_spec('duckdb_cli').submodule_search_locations[0])"
            )
            found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
            program = os.path.join(found.stdout.strip(), "duckdb")
            if found.returncode == 0 and os.access(program, os.X_OK):
                return program
    return shutil.which("duckdb")


def part(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def text(name):
    with open(part(name), encoding="utf-8") as file:
        return file.read()


def peers(log, venv):
    """The peers that are there, and how to install the others."""
    here, missing = [], []

    def add(name, program, install, argv, job, answer, parts, shown=None):
        if program:
            shown = shown if shown is not None else version([program, "--version"])
            here.append(Program(name + shown, argv, log, job, answer, parts))
        else:
            missing.append((name, install))

    counts, both = ("sections", "codes"), ("sections", "codes", "alerts")
    mawk = shutil.which("mawk")
    add(
        "mawk",
        mawk,
        "apt-get install mawk",
        [mawk, "-f", part("peer.awk")],
        BOTH,
        answer_of_lines,
        both,
        mawk and version([mawk, "-W", "version"]),
    )
    gawk = shutil.which("gawk")
    add(
        "gawk -b",
        gawk,
        "apt-get install gawk",
        [gawk, "-b", "-f", part("peer.awk")],
        BOTH,
        answer_of_lines,
        both,
    )
    chdb = python_with("chdb", venv)
    add(
        "ClickHouse local (chdb)",
        chdb,
        "scripts/bench --install",
        [chdb, "-m", "chdb", text("peer.clickhouse.sql"), "JSONEachRow"],
        COUNTS,
        answer_of_lines,
        counts,
        chdb and version([chdb, "-c", "import importlib.metadata as m; print(m.version('chdb'))"]),
    )
    duckdb = duckdb_program(venv)
    add(
        "DuckDB",
        duckdb,
        "scripts/bench --install",
        [duckdb, "-jsonlines", "-f", part("peer.duckdb.sql")],
        BOTH,
        answer_of_lines,
        both,
    )
    polars = python_with("polars", venv)
    add(
        "Polars",
        polars,
        "scripts/bench --install",
        [polars, part("peer_polars.py")],
        BOTH,
        answer_of_lines,
        both,
        polars and version([polars, "-c", "import polars; print(polars.__version__)"]),
    )
    xan = shutil.which("xan")
    add("xan", xan, "cargo install --locked xan", ["sh", part("peer_xan.sh")], COUNTS, answer_of_csv, counts)
    agrind = shutil.which("agrind")
    add(
        "angle-grinder",
        agrind,
        "cargo install --locked ag",
        [agrind, "-o", "json", text("peer.agrind").strip()],
        COUNTS,
        answer_of_agrind,
        counts,
    )
    goaccess = shutil.which("goaccess")
    ignored = (
        "REQUESTS_STATIC NOT_FOUND HOSTS OS BROWSERS VISIT_TIMES VIRTUAL_HOSTS REFERRERS REFERRING_SITES "
        "KEYPHRASES REMOTE_USER"
    )
    add(
        "GoAccess",
        goaccess,
        "apt-get install goaccess",
        [
            goaccess,
            "--no-global-config",
            '--log-format="%h","%^","%e",%x,"%r",%s,%b',
            "--datetime-format=%s",
            "--date-spec=min",
            "--no-query-string",
            "--no-progress",
            "--num-tests=0",
            *(f"--ignore-panel={panel}" for panel in ignored.split()),
            "-o",
            "json",
            "-",
        ],
        "counts by minute, by path, by status",
        answer_of_goaccess,
        ("records", "totals"),
    )
    mlr = shutil.which("mlr")
    add(
        "Miller",
        mlr,
        "apt-get install miller",
        [mlr, "--icsv", "--ojsonl", "put", "-q", "-f", part("peer.mlr")],
        BOTH,
        answer_of_lines,
        both,
    )
    kelora = shutil.which("kelora")
    key = 'e.key = "/" + e.request.split(" ")[1].split("?")[0].split("/")[1] + " " + e.status'
    add(
        "kelora",
        kelora,
        "cargo install --locked kelora",
        [
            kelora,
            "-f",
            "csv date:int status:int bytes:int",
            "--ts-field",
            "date",
            "-e",
            key,
            "--exec-file",
            part("peer.kelora.rhai"),
            "--freq",
            "key",
            "--span",
            "10s",
            "--span-summary=json",
        ],
        BOTH,
        answer_of_kelora,
        ("hits", "codes", "alerts"),
    )
    return here, missing
