# Polars: requests and bytes by window, section and status, and the alerts; the whole log in memory.
import sys

import polars as pl

log = pl.read_csv(
    sys.stdin.buffer,
    columns=["date", "request", "status", "bytes"],
    schema_overrides={"date": pl.Int64, "status": pl.Int16, "bytes": pl.Int64},
)
target = pl.col("request").str.split(" ").list.get(1)
path = target.str.split("?").list.get(0)
counts = (
    log.with_columns(start=pl.col("date") // 10 * 10, section="/" + path.str.split("/").list.get(1))
    .group_by("start", "section", "status")
    .agg(requests=pl.len(), bytes=pl.col("bytes").sum())
    .sort("start", "section", "status")
)
counts.select(pl.lit("count").alias("type"), pl.all()).write_ndjson(sys.stdout.buffer)

seconds = log.group_by("date").agg(requests=pl.len()).sort("date")
every = pl.DataFrame({"date": range(seconds["date"].min(), seconds["date"].max() + 1)})
sums = every.join(seconds, on="date", how="left").with_columns(
    requests=pl.col("requests").fill_null(0).rolling_sum(120, min_samples=1)
)
# On the limit itself nothing changes.
judged = sums.filter(pl.col("requests") != 1200).with_columns(above=pl.col("requests") > 1200)
changes = judged.with_columns(was=pl.col("above").shift(1, fill_value=False)).filter(
    pl.col("above") != pl.col("was")
)
kind = pl.when("above").then(pl.lit("alert")).otherwise(pl.lit("recovery"))
changes.select(kind.alias("type"), time="date", requests="requests").write_ndjson(sys.stdout.buffer)
