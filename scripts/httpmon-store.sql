-- What httpmon-store keeps the events of httpmon in. Times are seconds of UTC since 1970.
-- NULL is what the log has no column for.
begin immediate;

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
    unique (source, start_at, end_at, counts)
);
create index if not exists summaries_by_window on summaries (start_at, end_at);
create table if not exists sections (
    summary integer not null references summaries on delete cascade,
    section text not null,
    requests integer not null,
    server_errors integer,
    bytes integer,
    primary key (summary, section)
) without rowid;
create table if not exists hosts (
    summary integer not null references summaries on delete cascade,
    host text not null,
    requests integer not null,
    server_errors integer,
    bytes integer,
    primary key (summary, host)
) without rowid;
create table if not exists status_codes (
    summary integer not null references summaries on delete cascade,
    code integer not null,
    requests integer not null,
    primary key (summary, code)
) without rowid;
create table if not exists methods (
    summary integer not null references summaries on delete cascade,
    method text not null,
    requests integer not null,
    primary key (summary, method)
) without rowid;
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
    since integer,           -- of a recovery: the time of its alert
    peak_requests integer,
    peak_time integer,
    unique (source, name, time, type)
);

-- The summaries that count: of a window that was read once in part and once as a whole,
-- the whole one; else all.
create view if not exists counted as
select * from summaries s
where not partial or not exists (
    select 1 from summaries whole
    where whole.source = s.source and whole.start_at = s.start_at and whole.end_at = s.end_at
        and not whole.partial);

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
    sum(status_5xx) as server_errors,
    case when count(status_5xx) then coalesce(sum(
        (select c.requests from status_codes c where c.summary = counted.id and c.code = 500)), 0)
    end as code_500
from counted
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

-- An alert ends with its recovery. One without is cut off by the next alert or by a window
-- without alert (httpmon was restarted meanwhile), or else is still active; it has lasted
-- until the end of the last window known to be alerting.
create view if not exists alert_periods as
with begun as (
    select source, name, time as since, threshold from alerts where type = 'alert'
    union all
    select source, name, since, min(threshold) from alerts as r
    where type = 'recovery' and since is not null and not exists (
        select 1 from alerts as a
        where a.source = r.source and a.name = r.name and a.time = r.since and a.type = 'alert')
    group by source, name, since
), recovered as (
    select source, name, since, min(time) as time, peak_requests * 1.0 / window_seconds as peak
    from alerts where type = 'recovery' group by source, name, since
), ended as (
    select b.*, r.time as recovery, r.peak, min(
        coalesce((select min(n.time) from alerts n where n.type = 'alert' and n.source = b.source
            and n.name = b.name and n.time > b.since), 1 << 53),
        coalesce((select s.start_at from summaries s where s.source = b.source
            and s.start_at >= b.since and s.alerting = 0 order by s.start_at limit 1), 1 << 53)) as cut
    from begun b left join recovered r using (source, name, since)
), lasted as (
    select *, recovery is null and cut = 1 << 53 as active, coalesce(recovery, max(since, min(cut,
        coalesce((select s.end_at from summaries s where s.source = ended.source
            and s.start_at < cut and s.alerting order by s.start_at desc limit 1), since)))) as until
    from ended
)
select source, name, strftime('%Y-%m-%dT%H:%M:%SZ', since, 'unixepoch') as time, since, until,
    until - since as seconds, active, threshold, peak as peak_requests_per_second
from lasted;

create view if not exists time_alerting as
select source, name, count(*) as alerts, sum(seconds) as seconds, max(active) as active
from alert_periods
group by source, name;

pragma user_version = 1;
commit;
