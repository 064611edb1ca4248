-- DuckDB: one pass over the log into a temporary table, then requests and bytes by window,
-- section and status, and the alerts; all of it at the end of input.
CREATE TEMP TABLE log AS
  SELECT date AS second, status, bytes,
         '/' || split_part(split_part(split_part(request, ' ', 2), '?', 1), '/', 2) AS section
  FROM read_csv('/dev/stdin', header = true, auto_detect = false, quote = '"', columns = {
    'remotehost': 'VARCHAR', 'rfc931': 'VARCHAR', 'authuser': 'VARCHAR', 'date': 'BIGINT',
    'request': 'VARCHAR', 'status': 'SMALLINT', 'bytes': 'BIGINT'});

SELECT 'count' AS type, second // 10 * 10 AS start, section, status,
       count(*)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes
FROM log GROUP BY ALL ORDER BY start, section, status;

WITH seconds AS (SELECT second, count(*) AS requests FROM log GROUP BY second),
     every AS (SELECT unnest(generate_series(min(second), max(second))) AS second FROM seconds),
     sums AS (SELECT second, sum(coalesce(requests, 0)) OVER latest AS requests
              FROM every LEFT JOIN seconds USING (second)
              WINDOW latest AS (ORDER BY second ROWS BETWEEN 119 PRECEDING AND CURRENT ROW)),
     -- On the limit itself nothing changes.
     judged AS (SELECT second, requests, requests > 1200 AS above FROM sums WHERE requests <> 1200),
     changes AS (SELECT *, lag(above, 1, false) OVER (ORDER BY second) AS was FROM judged)
SELECT CASE WHEN above THEN 'alert' ELSE 'recovery' END AS type, second AS time, requests::BIGINT AS requests
FROM changes WHERE above <> was ORDER BY second;
