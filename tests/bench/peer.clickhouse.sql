-- ClickHouse: requests and bytes by window, section and status; no alerts, as standard input can be read but once.
SELECT 'count' AS type, intDiv(date, 10) * 10 AS start,
       '/' || splitByChar('/', splitByChar('?', splitByChar(' ', request)[2])[1])[2] AS section,
       status, count() AS requests, sum(bytes) AS bytes
FROM file('/dev/stdin', 'CSVWithNames',
     'remotehost String, rfc931 String, authuser String, date UInt32, request String, status UInt16, bytes UInt64')
GROUP BY ALL ORDER BY ALL
