# Makes N events (-v N=1000000) as httpmon would write them for a log of one source, 10 s a window:
# traffic that comes and goes, an alert and a recovery every 360 windows, LIST names in each list.
# From START on (seconds since 1970; default 2024).
function stamp(t,    days, y, m, d, k) { # civil date from days since 1970, for 2024 to 2099
    days = int(t / 86400) - 19723
    y = 2024
    while (days >= (k = 365 + (y % 4 == 0))) { days -= k; y++ }
    m = 1
    while (days >= (k = (m == 2) ? 28 + (y % 4 == 0) : 30 + ((m + (m > 7)) % 2))) { days -= k; m++ }
    if (day != int(t / 86400)) { day = int(t / 86400); date = sprintf("%04d-%02d-%02dT", y, m, days + 1) }
    d = t % 86400
    return date sprintf("%02d:%02d:%02dZ", int(d / 3600), int(d / 60) % 60, d % 60)
}
BEGIN {
    if (!LIST) LIST = 4
    t = START ? START : 1704067200 # 2024-01-01
    from = stamp(t)
    for (i = 0; i < N; i++) {
        w = n % 360
        if (w == 100 && !alerting) {
            alerting = 1
            since = t + 3; at = stamp(since)
            printf "{\"type\":\"alert\",\"source\":\"stdin\",\"time\":\"%s\",\"name\":\"high_traffic\",\"window_seconds\":120,\"requests\":1206,\"requests_per_second\":10.05,\"threshold\":10.0,\"message\":\"\"}\n", at
            continue
        }
        if (w == 160 && alerting) {
            alerting = 0
            printf "{\"type\":\"recovery\",\"source\":\"stdin\",\"time\":\"%s\",\"name\":\"high_traffic\",\"reason\":\"recovered\",\"since\":\"%s\",\"duration_seconds\":%d,\"window_seconds\":120,\"requests\":1198,\"requests_per_second\":9.983333333333333,\"threshold\":10.0,\"peak_requests\":1619,\"peak_time\":\"%s\",\"message\":\"\"}\n", stamp(t + 5), at, t + 5 - since, at
            continue
        }
        r = 20 + (w > 90 && w < 160 ? 120 : 0) + n * 7 % 23
        e = (n % 40 == 0) ? 3 : 0
        sections = hosts = ""
        left = r
        for (k = 1; k <= LIST; k++) {
            one = (k == LIST) ? left : int(left / 2)
            left -= one
            sections = sections (k > 1 ? "," : "") "{\"section\":\"/section" k "\",\"requests\":" one ",\"server_errors\":" (k == 1 ? e : 0) ",\"bytes\":" one * 1234 "}"
            hosts = hosts (k > 1 ? "," : "") "{\"host\":\"10.0." n % 7 "." k "\",\"requests\":" one ",\"server_errors\":" (k == 1 ? e : 0) ",\"bytes\":" one * 1234 "}"
        }
        to = stamp(t + 10)
        printf "{\"type\":\"summary\",\"source\":\"stdin\",\"start\":\"%s\",\"end\":\"%s\",\"duration_seconds\":10,\"partial\":false,\"requests\":%d,\"requests_per_second\":%.1f,\"late\":0,\"future\":0,\"bytes\":%d,\"latency\":{\"requests\":%d,\"sum\":%.3f,\"p50\":0.042,\"p90\":0.31,\"p99\":%.2f,\"max\":3.871,\"slow\":%d},\"status\":{\"1xx\":0,\"2xx\":%d,\"3xx\":0,\"4xx\":0,\"5xx\":%d,\"other\":0},\"status_codes\":{\"200\":%d%s},\"methods\":{\"GET\":%d},\"sections\":[%s],\"sections_other\":{\"distinct\":0,\"requests\":0,\"server_errors\":0,\"bytes\":0,\"capped\":false},\"hosts\":[%s],\"hosts_other\":{\"distinct\":0,\"requests\":0,\"server_errors\":0,\"bytes\":0,\"capped\":false},\"alerting\":%s,\"alerts\":[%s],\"malformed\":0,\"skipped\":0}\n", from, to, r, r / 10, r * 1234, r, r * (w > 90 && w < 160 ? 0.09 : 0.06), (w > 90 && w < 160 ? 2.6 : 0.9) + n % 11 / 20, n % 3, r - e, e, r - e, e ? ",\"500\":" e : "", r, sections, hosts, alerting ? "true" : "false", alerting ? "\"high_traffic\"" : ""
        from = to
        t += 10
        n++
    }
}
