-- Upgrades a file of httpmon-store from version 1; httpmon-store.sql, run after this, completes version 2.
drop view if exists time_alerting;
drop view if exists alert_periods;
drop view if exists windows;
drop view if exists server_errors;
drop view if exists requests_per_second;
drop view if exists counted;

alter table summaries add column status_500 integer;
alter table summaries add column alerts text;
alter table summaries add column latency_requests integer;
alter table summaries add column latency_sum real;
alter table summaries add column latency_p50 real;
alter table summaries add column latency_p90 real;
alter table summaries add column latency_p99 real;
alter table summaries add column latency_max real;
alter table summaries add column latency_slow integer;
update summaries set
    status_500 = case when status_5xx is not null then coalesce((
        select c.requests from status_codes c where c.summary = id and c.code = 500), 0) end,
    alerts = case alerting when 0 then '' when 1 then 'high_traffic' end;

alter table alerts add column reason text;
alter table alerts add column server_errors integer;
alter table alerts add column server_errors_percent real;
alter table alerts add column slow_requests integer;
alter table alerts add column slow_requests_percent real;
alter table alerts add column slow_seconds real;
alter table alerts add column lowest_requests integer;
alter table alerts add column lowest_time integer;
alter table alerts add column peak_server_errors integer;
alter table alerts add column peak_slow_requests integer;
alter table alerts add column interval text;

create table lists (
    summary integer primary key references summaries on delete cascade,
    sections text,
    hosts text,
    status_codes text,
    methods text
);
insert into lists
select id,
    (select json_group_array(json_array(section, n.requests, n.server_errors, n.bytes)) from (
        select * from sections where summary = id order by requests desc, section) n),
    (select json_group_array(json_array(host, n.requests, n.server_errors, n.bytes)) from (
        select * from hosts where summary = id order by requests desc, host) n),
    (select json_group_object(code, n.requests) from (
        select * from status_codes where summary = id order by code) n),
    (select json_group_object(method, n.requests) from methods n where summary = id)
from summaries;
drop table sections;
drop table hosts;
drop table status_codes;
drop table methods;

create table stale_hours (
    at integer not null,
    source text not null,
    primary key (at, source)
) without rowid;
insert into stale_hours select distinct start_at / 3600 * 3600, source from summaries;
pragma user_version = 0;
