-- A store of the first version of httpmon-store, as .dump shows it: four events.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE summaries (
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
INSERT INTO summaries VALUES(1,'a',1704067200,1704067210,0,100,1,0,700,0,90,0,6,4,0,1,0,1,563622154);
INSERT INTO summaries VALUES(2,'a',1704067210,1704067220,1,1,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,1071001604);
CREATE TABLE sections (
    summary integer not null references summaries on delete cascade,
    section text not null,
    requests integer not null,
    server_errors integer,
    bytes integer,
    primary key (summary, section)
) without rowid;
INSERT INTO sections VALUES(1,'/b',60,4,400);
INSERT INTO sections VALUES(1,'/größe',40,0,300);
CREATE TABLE hosts (
    summary integer not null references summaries on delete cascade,
    host text not null,
    requests integer not null,
    server_errors integer,
    bytes integer,
    primary key (summary, host)
) without rowid;
INSERT INTO hosts VALUES(1,'192.0.2.1',100,4,700);
CREATE TABLE status_codes (
    summary integer not null references summaries on delete cascade,
    code integer not null,
    requests integer not null,
    primary key (summary, code)
) without rowid;
INSERT INTO status_codes VALUES(1,200,90);
INSERT INTO status_codes VALUES(1,404,6);
INSERT INTO status_codes VALUES(1,500,3);
INSERT INTO status_codes VALUES(1,503,1);
CREATE TABLE methods (
    summary integer not null references summaries on delete cascade,
    method text not null,
    requests integer not null,
    primary key (summary, method)
) without rowid;
INSERT INTO methods VALUES(1,'GET',99);
INSERT INTO methods VALUES(1,'POST',1);
CREATE TABLE alerts (
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
INSERT INTO alerts VALUES(1,'alert','a','high_traffic',1704067205,120,1201,10.00833333333333286,10.0,NULL,NULL,NULL);
INSERT INTO alerts VALUES(2,'recovery','a','high_traffic',1704067212,120,1199,9.9916666666666671403,10.0,1704067205,1300,1704067206);
CREATE INDEX summaries_by_window on summaries (start_at, end_at);
CREATE VIEW counted as
select * from summaries s
where not partial or not exists (
    select 1 from summaries whole
    where whole.source = s.source and whole.start_at = s.start_at and whole.end_at = s.end_at
        and not whole.partial);
CREATE VIEW requests_per_second as
select source, strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at,
    end_at - start_at as seconds, sum(requests) as requests,
    sum(requests) * 1.0 / (end_at - start_at) as requests_per_second,
    max(alerting) as alerting, min(partial) as partial
from counted
group by source, start_at, end_at;
CREATE VIEW server_errors as
select source, strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at,
    end_at - start_at as seconds, sum(requests) as requests,
    sum(status_5xx) as server_errors,
    case when count(status_5xx) then coalesce(sum(
        (select c.requests from status_codes c where c.summary = counted.id and c.code = 500)), 0)
    end as code_500
from counted
group by source, start_at, end_at;
CREATE VIEW windows as
select strftime('%Y-%m-%dT%H:%M:%SZ', start_at, 'unixepoch') as time, start_at, end_at,
    end_at - start_at as seconds, count(distinct source) as sources, sum(requests) as requests,
    sum(requests) * 1.0 / (end_at - start_at) as requests_per_second,
    sum(bytes) as bytes, sum(status_1xx) as status_1xx, sum(status_2xx) as status_2xx,
    sum(status_3xx) as status_3xx, sum(status_4xx) as status_4xx, sum(status_5xx) as status_5xx,
    sum(status_other) as status_other, max(alerting) as alerting
from counted
group by start_at, end_at;
CREATE VIEW alert_periods as
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
CREATE VIEW time_alerting as
select source, name, count(*) as alerts, sum(seconds) as seconds, max(active) as active
from alert_periods
group by source, name;
COMMIT;
PRAGMA user_version = 1;
