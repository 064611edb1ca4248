-- The tables and views of httpmon-store. Times are seconds of UTC since 1970.
-- NULL: the log has no such column.

create table if not exists summaries (
    id integer primary key,
    source text not null,
    start_at integer not null,
    end_at integer not null,
    partial integer not null,
    requests integer not null,
    late integer,
    future integer,
    bytes integer,
    status_1xx integer,
    status_2xx integer,
    status_3xx integer,
    status_4xx integer,
    status_5xx integer,
    status_other integer,
    alerting integer,
    malformed integer,
    skipped integer,
    counts integer not null, -- checksum of the counts: tells partial summaries of one window apart
    status_500 integer,
    alerts text,             -- names of the active alerts, separated by commas
    latency_requests integer,
    latency_sum real,        -- seconds
    latency_p50 real,
    latency_p90 real,
    latency_p99 real,
    latency_max real,
    latency_slow integer,
    unique (start_at, end_at, source, counts)
);
create index if not exists summaries_partial on summaries (start_at, end_at, source) where partial;

-- The lists of each summary, as JSON: one row per summary instead of twenty makes writing
-- three times as fast. Read them through the views sections, hosts, status_codes, methods.
create table if not exists lists (
    summary integer primary key references summaries on delete cascade,
    sections text,     -- [[name, requests, server errors, bytes], ...]
    hosts text,
    status_codes text, -- {"200": requests, ...}
    methods text
);
create view if not exists sections as
select summary, json_extract(value, '$[0]') as section, json_extract(value, '$[1]') as requests,
    json_extract(value, '$[2]') as server_errors, json_extract(value, '$[3]') as bytes
from lists, json_each(lists.sections);
create view if not exists hosts as
select summary, json_extract(value, '$[0]') as host, json_extract(value, '$[1]') as requests,
    json_extract(value, '$[2]') as server_errors, json_extract(value, '$[3]') as bytes
from lists, json_each(lists.hosts);
create view if not exists status_codes as
select summary, cast(key as integer) as code, value as requests from lists, json_each(lists.status_codes);
create view if not exists methods as
select summary, key as method, value as requests from lists, json_each(lists.methods);

create table if not exists alerts (
    id integer primary key,
    type text not null,
    source text not null,
    name text not null,
    time integer not null,
    window_seconds integer,
    requests integer,
    requests_per_second real,
    threshold real,
    since integer,           -- recoveries: the time of the alert
    peak_requests integer,
    peak_time integer,
    reason text,             -- recoveries: recovered or restarted
    server_errors integer,
    server_errors_percent real,
    slow_requests integer,
    slow_requests_percent real,
    slow_seconds real,
    lowest_requests integer,
    lowest_time integer,
    peak_server_errors integer,
    peak_slow_requests integer,
    interval text,           -- JSON added by httpmon-explain: a part of the summary of that time
    unique (source, name, time, type)
);

-- The summaries that count: if a window has a whole summary and partial ones, the whole one;
-- otherwise all.
create view if not exists counted as
select * from summaries s
where not partial or not exists (
    select 1 from summaries whole
    where whole.source = s.source and whole.start_at = s.start_at and whole.end_at = s.end_at
        and not whole.partial);

-- For queries over long periods: sums of the summaries that count, by source and the hour in
-- which the window starts. httpmon-store updates them, and sums the hours in stale_hours again.
create table if not exists hours (
    source text not null,
    at integer not null,
    requests integer not null,
    late integer,
    future integer,
    bytes integer,
    status_1xx integer,
    status_2xx integer,
    status_3xx integer,
    status_4xx integer,
    status_5xx integer,
    status_other integer,
    status_500 integer,
    malformed integer,
    skipped integer,
    latency_requests integer,
    latency_sum real,
    latency_p99 real,        -- the highest of a window
    latency_max real,
    latency_slow integer,
    peak real,               -- requests per second of the busiest window
    primary key (at, source)
) without rowid;
create table if not exists hour_peaks ( -- of all sources together
    at integer primary key,
    peak real
);
create table if not exists hour_names (
    kind text not null,      -- section or host
    at integer not null,
    source text not null,
    name text not null,
    requests integer not null,
    server_errors integer,
    bytes integer,
    primary key (kind, at, source, name)
) without rowid;
create table if not exists stale_hours (
    at integer not null,
    source text not null,
    primary key (at, source)
) without rowid;
create trigger if not exists summary_deleted after delete on summaries begin
    delete from lists where summary = old.id;
    delete from hours where at = old.start_at / 3600 * 3600 and source = old.source;
    delete from hour_names where kind in ('section', 'host') and at = old.start_at / 3600 * 3600
        and source = old.source;
    delete from hour_peaks where at = old.start_at / 3600 * 3600;
    insert or ignore into stale_hours values (old.start_at / 3600 * 3600, old.source);
end;

create view if not exists requests_per_second as
select source, strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at,
    end_at - start_at as seconds, sum(requests) as requests,
    sum(requests) * 1.0 / (end_at - start_at) as requests_per_second,
    max(alerting) as alerting, min(partial) as partial
from counted
group by source, start_at, end_at;

create view if not exists server_errors as
select source, strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at,
    end_at - start_at as seconds, sum(requests) as requests,
    sum(status_5xx) as server_errors, sum(status_500) as code_500
from counted
group by source, start_at, end_at;

-- For partial summaries of one window: their highest percentile; that of the window is lower or equal.
create view if not exists latency as
select source, strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at,
    end_at - start_at as seconds, sum(latency_requests) as requests,
    sum(latency_sum) / nullif(sum(latency_requests), 0) as mean, max(latency_p50) as p50,
    max(latency_p90) as p90, max(latency_p99) as p99, max(latency_max) as max,
    sum(latency_slow) as slow
from counted
where latency_requests is not null
group by source, start_at, end_at;

create view if not exists windows as
select strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at, end_at,
    end_at - start_at as seconds, count(distinct source) as sources, sum(requests) as requests,
    sum(requests) * 1.0 / (end_at - start_at) as requests_per_second,
    sum(bytes) as bytes, sum(status_1xx) as status_1xx, sum(status_2xx) as status_2xx,
    sum(status_3xx) as status_3xx, sum(status_4xx) as status_4xx, sum(status_5xx) as status_5xx,
    sum(status_other) as status_other, max(alerting) as alerting
from counted
group by start_at, end_at;

-- An alert ends with its recovery. An alert without recovery (httpmon was restarted) ends at the
-- latest before the next alert of its name, or before a window that ends without it. If there is
-- neither, it is still active. It has lasted until the end of the last window that ended with it.
create view if not exists alert_periods as
with begun as (
    select source, name, time as since, threshold, interval from alerts where type = 'alert'
    union all
    select source, name, since, min(threshold), null from alerts as r
    where type = 'recovery' and since is not null and not exists (
        select 1 from alerts as a
        where a.source = r.source and a.name = r.name and a.time = r.since and a.type = 'alert')
    group by source, name, since
), recovered as (
    select source, name, since, min(time) as time, reason,
        case when lowest_requests is null then peak_requests * 1.0 / window_seconds end as peak,
        lowest_requests * 1.0 / window_seconds as lowest,
        coalesce(peak_server_errors, peak_slow_requests) * 100.0 / nullif(peak_requests, 0) as percent
    from alerts where type = 'recovery' group by source, name, since
), ended as (
    select b.*, r.time as recovery, r.reason, r.peak, r.lowest, r.percent,
        case when r.time is null then min(
            coalesce((select min(n.time) from alerts n where n.type = 'alert' and n.source = b.source
                and n.name = b.name and n.time > b.since), 1 << 53),
            coalesce((select s.start_at from summaries s where s.source = b.source
                and s.start_at >= b.since and s.alerting is not null
                and not instr(',' || s.alerts || ',', ',' || b.name || ',')
                order by s.start_at limit 1), 1 << 53)) end as cut
    from begun b left join recovered r using (source, name, since)
), lasted as (
    select *, recovery is null and cut = 1 << 53 as active, coalesce(recovery, max(since, min(cut,
        coalesce((select s.end_at from summaries s where s.source = ended.source
            and s.start_at < cut and instr(',' || s.alerts || ',', ',' || ended.name || ',')
            order by s.start_at desc limit 1), since)))) as until
    from ended
)
select source, name, strftime('%Y-%m-%dT%H:%M:%SZ', since, 'unixepoch') as time, since, until,
    until - since as seconds, active, threshold, peak as peak_requests_per_second,
    lowest as lowest_requests_per_second, percent as peak_percent, reason, interval
from lasted;

create view if not exists time_alerting as
select source, name, count(*) as alerts, sum(seconds) as seconds, max(active) as active
from alert_periods
group by source, name;

pragma user_version = 2;
