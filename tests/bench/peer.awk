# Any awk: requests and bytes by window, section and status, and the alerts, in event time.
# For the log of seven quoted columns in order of time; no quote inside a field.
BEGIN {
    FS = "\""
    threshold = 10; window = 120; interval = 10; lateness = 5
    limit = threshold * window
}
function write_until(end,   key, part) {
    for (key in requests) {
        split(key, part, SUBSEP)
        if (part[1] + interval > end) continue
        printf "{\"type\":\"count\",\"start\":%d,\"section\":\"%s\",\"status\":%s,\"requests\":%d,\"bytes\":%.0f}\n", \
            part[1], part[2], part[3], requests[key], bytes[key]
        delete requests[key]
        delete bytes[key]
    }
    fflush()
}
function judge(second) {
    if (!alerting && sum > limit) alerting = tell("alert", second)
    else if (alerting && sum < limit) alerting = !tell("recovery", second)
}
function tell(type, second) {
    printf "{\"type\":\"%s\",\"time\":%d,\"requests\":%d}\n", type, second, sum
    fflush()
    return 1
}
NF >= 9 && $7 ~ /^,[0-9]+,$/ {
    second = substr($7, 2) + 0
    split($8, word, " ")
    split(word[2], path, /[\/?]/)
    split($9, number, ",")
    if (!now) now = second
    while (now < second) {
        judge(now)
        now++
        sum -= ring[now % window]
        ring[now % window] = 0
        if (now % interval == lateness) write_until(now - lateness)
    }
    if (now - second < window) { ring[second % window]++; sum++ }
    key = (second - second % interval) SUBSEP "/" path[2] SUBSEP number[2]
    requests[key]++
    bytes[key] += number[3]
}
END {
    judge(now)
    write_until(now + interval)
}
