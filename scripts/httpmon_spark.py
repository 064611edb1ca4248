"""Reads many access logs with httpmon on the machines of a Spark cluster, and writes the events that one
httpmon would write for all their records in order of time.

What it isn't for: live logs, and logs that one machine reads in an hour; for these httpmon alone will do.

How: each log is piped through `httpmon --interval 1s --top 0` where a worker reads it. Of the summaries come
cells, (kind, time, name) with numbers, and equal cells are added. All else is found from the sums: the lists by
ranking within a window; the alerts from the points in time at which the rate changes, a log's requests coming in
at their second and going out one alert window later.
"""

import argparse
import decimal
import fractions
import glob
import os
import re
import subprocess
import sys

HELP = """\
usage: spark-submit [SPARK'S OPTION]... httpmon_spark.py [OPTION]... LOG...

Each LOG is a file, a directory (all files below it but those whose names start
with . or _) or a pattern; .gz, .bz2, .xz and .zst are unpacked. The workers
must see them under the same names, and must have httpmon. The events of all
logs as one source go to standard output, in order of time.

  -t, --threshold RATE           alert above RATE requests per second [10]
  -r, --recovery-threshold RATE  recover below RATE [the threshold]
  -i, --interval DURATION        length of a summary window [10s]
  -w, --window DURATION          length of the alert window [2m]
  -l, --lateness DURATION        how far out of order a record may be [5s]
  -n, --top N                    sections and hosts listed; 0: all [10]
  -c, --columns LIST             what the columns hold [each log's header]
  -d, --delimiter CHAR           one of , ; | or tab [detected]
  -z, --zone ZONE                zone of times without an offset [UTC]
      --source NAME              the source of the events [logs]
      --httpmon FILE             the filter on the workers [httpmon]
      --cat COMMAND              what writes the LOG named after it to its
                                 standard output, unpacked; LOGs are then
                                 taken as they are: --cat 'hdfs dfs -text'
      --output DIR               write files there instead; one after the
                                 other, by name, they are the events
  -q, --quiet                    no diagnostics but that of a failure
  -h, --help                     print this help

Rates and durations are written as for httpmon: 10, 2m, 1h 30m, 1d.

If no record is late or has a bogus time (late and future are 0), the events
are, field by field, those of one httpmon that reads all records in order of
time. Otherwise these differ:
- Each log has its own event time: a late record counts at the second that its
  own log had reached, in the rate too. Servers may be as far apart as they
  like; only within a log does --lateness matter.
- A log whose clock was set back doesn't begin a new run: what it says twice
  about a second is added.
- Malformed and skipped lines have no time. They are counted in the window that
  their own log had reached; the totals are the same.
- There is no limit to the sections and hosts of a window. `capped` is true only
  if one log had more than 10,000 or 100,000 within some seconds.
- If some logs lack a column, its fields are the sums of those that have it,
  and null where there is none.
- `latency` is null, and high_traffic is the only alert.
- Lengths of time take the short units only: w, d, h, m, s.

Exit status: 0 all was read, or a log of which no line could be read is named on
standard error; 1 no line of any log could be read; 2 a usage error, or reading
or writing failed.
"""

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other"]
STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"]
UNPACK = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
SINGLE_EMPTY_WINDOWS = 12
GREATEST_SUM = 2**64 - 1
DAY = 86_400

NAMES = "requests bigint, server_errors bigint, bytes decimal(20,0)"
SUMMARY = f"""
    type string, source string, message string, start timestamp, requests bigint, late bigint, future bigint,
    bytes decimal(20,0), status map<string,bigint>, status_codes map<string,bigint>, methods map<string,bigint>,
    sections array<struct<section string, {NAMES}>>, sections_other struct<{NAMES}>,
    hosts array<struct<host string, {NAMES}>>, hosts_other struct<{NAMES}>,
    malformed bigint, skipped bigint
""".replace("<section string", "<section: string").replace("<host string", "<host: string")


# The command line.


def duration(least, most):
    """Reads a length of time in whole seconds, from `least` to `most`."""

    def read(text):
        units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
        if not re.fullmatch(r"\d{1,12}|(\d{1,12}\s*[wdhms]\s*)+", text, re.ASCII):
            raise argparse.ArgumentTypeError(f"not a duration: {text!r}")
        parts = re.findall(r"(\d+)\s*([wdhms]?)", text)
        seconds = sum(int(number) * units[unit] for number, unit in parts)
        if not least <= seconds <= most:
            raise argparse.ArgumentTypeError(f"not from {least} to {most} seconds: {text!r}")
        return seconds

    return read


def rate(text):
    """Reads requests per second, exactly."""
    if not re.fullmatch(r"\d{0,9}(\.\d{0,9})?", text, re.ASCII) or not re.search("[1-9]", text):
        raise argparse.ArgumentTypeError(f"not a rate: {text!r}")
    return decimal.Decimal(text)


def count(text):
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"not a number: {text!r}")
    return int(text)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(message)

    def print_help(self, file=None):
        print(HELP, end="")


def say(message):
    """Writes a diagnostic. spark-submit gives a program's standard error to its own standard output, where the
    events go; its own standard error is reached through Java only."""
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
    parser.add_argument("-t", "--threshold", type=rate, default=decimal.Decimal(10))
    parser.add_argument("-r", "--recovery-threshold", type=rate)
    parser.add_argument("-i", "--interval", type=duration(1, 366 * DAY), default=10)
    parser.add_argument("-w", "--window", type=duration(1, 7 * DAY), default=120)
    parser.add_argument("-l", "--lateness", type=duration(0, 3600), default=5)
    parser.add_argument("-n", "--top", type=count, default=10)
    for name in "columns", "delimiter", "zone":
        parser.add_argument(f"-{name[0]}", f"--{name}")
    parser.add_argument("--source", default="logs")
    parser.add_argument("--httpmon", default="httpmon")
    parser.add_argument("--cat", type=str.split)
    parser.add_argument("--output")
    parser.add_argument("-q", "--quiet", action="store_true")
    options = parser.parse_intermixed_args(arguments)
    options.recovery_threshold = options.recovery_threshold or options.threshold
    if options.recovery_threshold > options.threshold:
        parser.error("the recovery threshold is above the threshold")
    if not options.logs:
        parser.error("no log is named; see --help")
    if not options.cat:
        options.logs = find_logs(options.logs)
    return options


def find_logs(operands):
    """The files that are meant, each once, the greatest first."""
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
    return sorted(files, key=lambda path: (-os.path.getsize(path), path))


# On the workers: logs -> summaries of a second each.


def filter_command(options):
    """Without alerts, which need all logs; no wall clock."""
    command = [options.httpmon, "--quiet", "--interval=1s", "--top=0", "--threshold=off"]
    command += ["--idle-timeout=0", f"--window={options.window}", f"--lateness={options.lateness}"]
    for name in "columns", "delimiter", "zone":
        value = getattr(options, name)
        command += [f"--{name}={value}"] if value is not None else []
    return command


def read_log(path, cat, command):
    """Yields the lines that the filter writes for a log. An error of reading is raised."""
    import json  # the worker knows nothing of this file's head but what the function needs

    unpack = UNPACK.get(os.path.splitext(path)[1])
    reader = cat or ([unpack, "-dc", "--"] if unpack else None)
    source = subprocess.Popen([*reader, path], stdout=subprocess.PIPE) if reader else None
    with source.stdout if source else open(path, "rb") as log:
        monitor = subprocess.Popen(command, stdin=log, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield from map(bytes.decode, monitor.stdout)
    said = monitor.stderr.read().decode(errors="replace").strip()
    status = monitor.wait()
    if source and source.wait() != 0:
        raise RuntimeError(f"<<{path}: {reader[0]} ended with status {source.returncode}>>")
    if status == 1:
        yield json.dumps({"type": "unread", "source": path, "message": said})
    elif status != 0:
        raise RuntimeError(f"<<{path}: {said or f'the filter ended with status {status}'}>>")


def read_logs(spark, options):
    """The summaries of all logs. The largest files go first, so that none is read last and alone."""
    context = spark.sparkContext
    parts = min(len(options.logs), max(32 * context.defaultParallelism, 1000))
    cat, command = options.cat, filter_command(options)
    dealt = context.parallelize([options.logs[part::parts] for part in range(parts)], parts)
    lines = dealt.flatMap(lambda logs: (line for log in logs for line in read_log(log, cat, command)))
    return spark.read.schema(SUMMARY).option("mode", "FAILFAST").json(lines)


# Summaries -> cells.


def add_up(summaries, interval):
    """Cells (kind, at, name) with requests, errors and bytes. `at` is a second in the kind `second`, else the
    start of a window. The name is null in the kinds `section` and `host` for what is beyond their limits."""

    def cell(kind, name, requests, errors="null", size="null"):
        at = "second" if kind == "second" else "at"
        return f"""named_struct('kind', '{kind}', 'at', {at}, 'name', cast({name} as string),
            'requests', cast({requests} as bigint), 'errors', cast({errors} as bigint),
            'bytes', cast({size} as decimal(20,0)))"""

    def cells(array, element):
        return f"coalesce(transform({array}, e -> {element}), array())"

    def named(kind):
        element = cell(kind, f"e.{kind}", "e.requests", "e.server_errors", "e.bytes")
        other = cell(kind, "null", "e.requests", "e.server_errors", "e.bytes")
        beyond = f"filter(array({kind}s_other), e -> e.requests > 0)"
        return f"{cells(f'{kind}s', element)}, {cells(beyond, other)}"

    totals = [cell("total", f"'{name}'", name) for name in ("requests", "late", "future", "malformed", "skipped")]
    totals += [cell("total", f"'{name}'", f"if({name} is null, null, 1)") for name in ("methods", "sections", "hosts")]
    totals += [cell("total", "'bytes'", "null", size="bytes")]
    is_known = "if(requests > 0, array({}), array())".format(cell("second", "''", "requests - future"))
    exploded = f"""inline(concat({is_known}, array({", ".join(totals)}),
        {cells("map_entries(status)", cell("total", "e.key", "e.value"))},
        {cells("map_entries(status_codes)", cell("code", "e.key", "e.value"))},
        {cells("map_entries(methods)", cell("method", "e.key", "e.value"))},
        {named("section")}, {named("host")}))"""
    unread = "type = 'unread'"
    return (
        summaries.where(f"{unread} or requests + malformed + skipped > 0")
        .selectExpr("*", "cast(start as bigint) as second")
        .selectExpr("*", f"second - second % {interval} as at")
        .selectExpr(f"""inline(if({unread}, array({cell("unread", "concat(source, ': ', message)", "1")}),
            {exploded.removeprefix("inline(").removesuffix(")")}))""")
        .groupBy("kind", "at", "name")
        .agg(F.sum("requests").alias("requests"), F.sum("errors").alias("errors"), F.sum("bytes").alias("bytes"))
    )


# What came before, in order of time.


def with_earlier(points, column, fold):
    """Adds `earlier`: what `fold`, a sum or the last value, makes of a column over all points before each one,
    in the order of `at`. The days are folded at the same time; one value a day comes to the driver."""
    points = points.withColumn("day", F.floor(F.col("at") / DAY)).persist()
    of_day = Window.partitionBy("day").orderBy("at")
    before = of_day.rowsBetween(Window.unboundedPreceding, -1)
    of_days = F.sum(column) if fold is F.sum else F.max_by(column, F.when(F.col(column).isNotNull(), F.col("at")))
    folded, days = None, []
    for day, value in sorted(points.groupBy("day").agg(of_days).collect()):
        days.append((day, folded))
        if value is not None:
            folded = value + (folded or 0) if fold is F.sum else value
    days = points.sparkSession.createDataFrame(days, "day bigint, folded bigint")
    points = points.withColumn("within", fold(column).over(before)).join(F.broadcast(days), "day")
    if fold is F.sum:
        earlier = F.coalesce("within", F.lit(0)) + F.coalesce("folded", F.lit(0))
    else:
        earlier = F.coalesce("within", "folded")
    return points.withColumn("earlier", earlier).drop("day", "within", "folded")


def last_value(column):
    return F.last(column, ignorenulls=True)


# Cells -> windows, points, events.


def lay_windows(totals, interval):
    """The windows that are written: those with requests, up to 12 empty ones after each, and gaps. And the lines
    without a request that fall into each."""
    busy = F.when(F.col("requests") > 0, F.col("at"))
    totals = with_earlier(totals.withColumn("busy", busy), "busy", last_value)
    rest = F.col("earlier") + (SINGLE_EMPTY_WINDOWS + 1) * interval
    end = F.col("start") + interval
    windows = totals.where("busy is not null").select(F.col("at").alias("start"), "earlier")
    filled = windows.select("start", end.alias("end"), F.lit(False).alias("is_gap"))
    after = windows.where(F.col("start") > F.col("earlier") + interval)
    single = after.select(
        F.explode(F.sequence(F.col("earlier") + interval, F.least("start", rest) - interval, F.lit(interval))).alias("start")
    ).select("start", end.alias("end"), F.lit(False).alias("is_gap"))
    gaps = after.where(F.col("start") > rest).select(rest.alias("start"), F.col("start").alias("end"), F.lit(True).alias("is_gap"))
    at = F.when(F.col("busy").isNotNull(), F.col("at")).otherwise(F.least("at", rest))
    uncounted = totals.groupBy(at.alias("start")).agg(F.sum("malformed").alias("malformed"), F.sum("skipped").alias("skipped"))
    return filled.union(single).union(gaps), uncounted


def follow_rate(cells, windows, options, last):
    """The points in time at which the rate may change, and the last seconds of windows: the requests `n` in the
    alert window that ends with the second, `state` (1: an alert is active) and `since` when it is so; `changed`
    where it begins, and `earlier` the change before."""
    seconds = cells.where("kind = 'second'")
    alert = int(options.threshold * options.window) + 1
    recovery = -int(-fractions.Fraction(options.recovery_threshold) * options.window // 1)
    points = (
        seconds.select("at", "requests")
        .union(seconds.select(F.col("at") + options.window, -F.col("requests")))
        .union(windows.select(F.col("end") - 1, F.lit(0)))
        .where(F.col("at") <= last)
        .groupBy("at")
        .agg(F.sum("requests").alias("change"))
    )
    points = with_earlier(points, "change", F.sum).select("at", (F.col("change") + F.col("earlier")).alias("n"))
    says = F.when(F.col("n") >= alert, 1).when(F.col("n") < recovery, 0)
    points = with_earlier(points.withColumn("says", says), "says", last_value)
    state, before = F.coalesce("says", "earlier", F.lit(0)), F.coalesce("earlier", F.lit(0))
    points = points.select("at", "n", state.alias("state"), F.when(state != before, F.col("at")).alias("changed"))
    points = with_earlier(points, "changed", last_value)
    return points.withColumn("since", F.coalesce("changed", "earlier")).persist()


def show(second):
    return F.date_format(F.timestamp_seconds(second), "yyyy-MM-dd'T'HH:mm:ss'Z'")


def event(*fields):
    return F.to_json(F.struct(*fields), {"ignoreNullFields": "false"}).alias("event")


def alerts_and_recoveries(points, options):
    """Events with the time that follows theirs."""
    peaks = (
        points.where("state = 1")
        .groupBy(F.col("since").alias("alert"))
        .agg(F.max(F.struct("n", (-F.col("at")).alias("at"))).alias("peak"))
    )
    number = F.col("n").cast("string")
    common = [
        F.lit(options.window).alias("window_seconds"),
        F.col("n").alias("requests"),
        (F.col("n").cast("double") / float(options.window)).alias("requests_per_second"),
    ]
    start = [F.lit(options.source).alias("source"), show("at").alias("time"), F.lit("high_traffic").alias("name")]
    alert = event(
        F.lit("alert").alias("type"), *start, *common, F.lit(float(options.threshold)).alias("threshold"),
        F.concat(F.lit("High traffic generated an alert - hits = "), number, F.lit(", triggered at "), show("at")).alias("message"),
    )
    seconds = F.col("at") - F.col("earlier")
    recovery = event(
        F.lit("recovery").alias("type"), *start, F.lit("recovered").alias("reason"), show("earlier").alias("since"), seconds.alias("duration_seconds"), *common,
        F.lit(float(options.recovery_threshold)).alias("threshold"), F.col("peak.n").alias("peak_requests"),
        show(-F.col("peak.at")).alias("peak_time"),
        F.concat(F.lit("Recovered from high traffic - hits = "), number, F.lit(", recovered at "), show("at"),
                 F.lit(" after "), seconds.cast("string"), F.lit(" s")).alias("message"),
    )  # fmt: skip
    changes = points.where("changed is not null")
    recoveries = changes.where("state = 0").join(peaks, F.col("alert") == F.col("earlier"))
    order = [(F.col("at") + 1).alias("known"), F.lit(0).alias("rank")]
    return changes.where("state = 1").select(*order, alert).union(recoveries.select(*order, recovery))


def add_alerting(windows, points, interval, last):
    """Whether an alert is active at the end of each window. A gap in which one ends is two."""
    at_end = points.select("at", F.col("state") == 1, "since").toDF("at", "alerting", "since")
    windows = windows.join(at_end, F.least(F.col("end") - 1, F.lit(last)) == F.col("at"))
    cut = F.col("since") - F.col("since") % interval
    is_cut = F.col("is_gap") & (cut > F.col("start"))
    whole = F.struct("start", "end", "alerting")
    parts = F.array(
        F.struct("start", cut.alias("end"), F.lit(True).alias("alerting")),
        F.struct(cut.alias("start"), "end", "alerting"),
    )
    return windows.select(F.inline(F.when(is_cut, parts).otherwise(F.array(whole))))


def limited(column):
    """A sum of bytes; it stops where the filter's does."""
    most = F.lit(decimal.Decimal(GREATEST_SUM))
    return F.when(column > most, most).otherwise(column).cast("decimal(20,0)")


def rank_names(cells, kind, top):
    """The busiest names of each window, and what the others have."""
    busiest = Window.partitionBy("at").orderBy(F.col("name").isNull(), F.col("requests").desc(), "name")
    is_named = F.col("name").isNotNull()
    is_listed = is_named & (F.row_number().over(busiest) <= top) if top else is_named
    ranked = cells.where(F.col("kind") == kind).withColumn("is_listed", is_listed)
    other = ~F.col("is_listed")
    listed = F.struct((-F.col("requests")).alias("order"), F.col("name").alias(kind), "requests",
                      F.col("errors").alias("server_errors"), limited(F.col("bytes")).alias("bytes"))  # fmt: skip
    return ranked.groupBy("at").agg(
        F.array_sort(F.collect_list(F.when(F.col("is_listed"), listed))).alias(f"{kind}s"),
        F.count(F.when(other & is_named, 1)).alias(f"{kind}s_distinct"),
        F.sum(F.when(other, F.col("requests"))).alias(f"{kind}s_requests"),
        F.sum(F.when(other, F.col("errors"))).alias(f"{kind}s_errors"),
        F.sum(F.when(other, F.col("bytes"))).alias(f"{kind}s_bytes"),
        F.max(~is_named).alias(f"{kind}s_capped"),
    )


def summaries_of(windows, uncounted, totals, cells, options, has):
    """Summaries with the time that follows theirs. `has` says which columns any of the logs has."""

    def numbers(kind, key):
        """A map from names to requests, in the order of `key`."""
        entry = F.struct(key.alias("order"), "name", "requests")
        entries = F.array_sort(F.collect_list(entry))
        pairs = F.transform(entries, lambda each: F.struct(each["name"], each["requests"]))
        return cells.where(F.col("kind") == kind).groupBy("at").agg(F.map_from_entries(pairs).alias(f"{kind}s"))

    order = F.array_position(F.array(*map(F.lit, METHODS)), F.col("name"))
    windows = windows.join(uncounted, "start", "left").join(totals.drop("malformed", "skipped").withColumnRenamed("at", "start"), "start", "left")
    for parts in (
        numbers("code", F.col("name").cast("int")), numbers("method", order),
        rank_names(cells, "section", options.top), rank_names(cells, "host", options.top),
    ):  # fmt: skip
        windows = windows.join(parts.withColumnRenamed("at", "start"), "start", "left")

    is_empty = F.coalesce("requests", F.lit(0)) == 0
    zero = F.lit(0)

    def known(name, value):
        """The value, or null where no log has the column."""
        column = F.col({"status": "2xx"}.get(name, f"has_{name}" if name != "bytes" else "bytes"))
        return F.when(F.when(is_empty, has[name]).otherwise(column.isNotNull()), value)

    def number(name):
        return F.coalesce(name, zero).alias(name)

    def named(kind):
        element = f"{kind}s"
        listed = F.transform(F.coalesce(element, F.array()), lambda each: F.struct(
            each[kind].alias(kind), each["requests"].alias("requests"),
            each["server_errors"].alias("server_errors"), each["bytes"].alias("bytes")))  # fmt: skip
        beyond = F.struct(
            F.coalesce(f"{element}_distinct", zero).alias("distinct"),
            F.coalesce(f"{element}_requests", zero).alias("requests"),
            known("status", F.coalesce(f"{element}_errors", zero)).alias("server_errors"),
            known("bytes", F.coalesce(limited(F.col(f"{element}_bytes")), zero)).alias("bytes"),
            F.coalesce(f"{element}_capped", F.lit(False)).alias("capped"),
        )
        return known(element, listed).alias(element), known(element, beyond).alias(f"{element}_other")

    seconds = F.col("end") - F.col("start")
    no_map = F.create_map().cast("map<string,bigint>")
    partial = (F.col("start") < has["first"]) | (F.col("end") - 1 > has["last"])
    return windows.select(
        F.col("end").alias("known"), F.lit(1).alias("rank"),
        event(
            F.lit("summary").alias("type"), F.lit(options.source).alias("source"),
            show("start").alias("start"), show("end").alias("end"), seconds.alias("duration_seconds"),
            partial.alias("partial"), number("requests"),
            (F.coalesce("requests", zero).cast("double") / seconds.cast("double")).alias("requests_per_second"),
            number("late"), number("future"),
            known("bytes", F.coalesce(limited(F.col("bytes")), zero)).alias("bytes"),
            F.lit(None).cast("string").alias("latency"),
            known("status", F.struct(*map(number, STATUS_CLASSES))).alias("status"),
            known("status", F.coalesce("codes", no_map)).alias("status_codes"),
            known("methods", F.coalesce("methods", no_map)).alias("methods"),
            *named("section"), *named("host"),
            "alerting", F.when(F.col("alerting"), F.array(F.lit("high_traffic"))).otherwise(F.array().cast("array<string>")).alias("alerts"),
            number("malformed"), number("skipped"),
        ),
    )  # fmt: skip


def total_windows(cells):
    """The totals of each window; null where the logs that were read in it lack the column."""
    names = ["requests", "late", "future", "malformed", "skipped", *STATUS_CLASSES]
    columns = [F.sum(F.when(F.col("name") == name, F.col("requests"))).alias(name) for name in names]
    columns += [F.sum(F.when(F.col("name") == name, F.col("requests"))).alias(f"has_{name}") for name in ("methods", "sections", "hosts")]
    columns += [F.sum("bytes").alias("bytes")]
    return cells.where("kind = 'total'").groupBy("at").agg(*columns).persist()


def look(cells, totals):
    """What must be known of the whole: the first and the last second, the columns, and the sums for diagnostics."""
    seconds = cells.where("kind = 'second'").agg(F.min("at").alias("first"), F.max("at").alias("last"))
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("requests", "late", "malformed", "skipped")]
    columns = {"bytes": "bytes", "status": "2xx", **{name: f"has_{name}" for name in ("methods", "sections", "hosts")}}
    known = [(F.count(column) > 0).alias(f"any_{name}") for name, column in columns.items()]
    found = seconds.crossJoin(totals.agg(*sums, *known)).first().asDict()
    has = {name: F.lit(found[f"any_{name}"]) for name in columns}
    return {**found, **has}


# The whole.


def events_of(summaries, options):
    """The events of all logs, in order of time; and what is to be said of them."""
    cells = add_up(summaries, options.interval).persist()
    totals = total_windows(cells)
    found = look(cells, totals)
    unread = [row.name for row in cells.where("kind = 'unread'").orderBy("name").collect()]
    if found["last"] is None:
        return None, found, unread
    windows, uncounted = lay_windows(totals, options.interval)
    points = follow_rate(cells, windows.withColumn("end", F.least("end", F.lit(found["last"] + 1))), options, found["last"])
    windows = add_alerting(windows, points, options.interval, found["last"])
    events = summaries_of(windows, uncounted, totals, cells, options, found)
    events = events.union(alerts_and_recoveries(points, options))
    return events.orderBy("known", "rank").select("event"), found, unread


def diagnose(found, unread, options):
    if options.quiet:
        return
    lines = unread[:10]
    lines += [f"{len(unread) - 10} more logs of which no line could be read"] if len(unread) > 10 else []
    if found["malformed"]:
        every = found["requests"] + found["malformed"] + found["skipped"]
        lines.append(f"{found['malformed']} of {every} lines were malformed")
    if found["late"] * 100 > found["requests"]:
        lines.append(f"{found['late']} of {found['requests']} requests came late in their own logs: try a longer --lateness")
    for line in lines:
        say(line)


def main():
    options = parse(sys.argv[1:])
    builder = SparkSession.builder.appName("httpmon").config("spark.sql.session.timeZone", "UTC")
    spark = builder.getOrCreate()
    context = spark.sparkContext
    context.setLogLevel("FATAL")  # what fails is tried again; if that is no use, our one line says why
    if not context.getConf().contains("spark.sql.shuffle.partitions"):
        spark.conf.set("spark.sql.shuffle.partitions", 2 * context.defaultParallelism)
    try:
        events, found, unread = events_of(read_logs(spark, options), options)
        if events is not None and options.output:
            events.write.text(options.output)
        elif events is not None:
            for row in events.toLocalIterator():
                sys.stdout.write(row.event + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        fail(error)
    except Exception as error:  # of the JVM or of a worker; the sentence that matters stands deep in it
        own = re.search("RuntimeError: <<(.*?)>>", str(error))
        fail(own[1] if own else str(error).strip().splitlines()[0])
    finally:
        spark.stop()
    diagnose(found, unread, options)
    return 1 if unread and events is None else 0


if __name__ == "__main__":
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession, Window
        from pyspark.sql import functions as F
    except ImportError:
        if not {"-h", "--help"} & set(sys.argv[1:]):
            fail("pyspark is missing: start it with spark-submit")
    sys.exit(main())
