#!/bin/sh
# xan: requests and bytes by window, section and status; no alerts, which would need a second pass.
xan map 'date // 10 * 10 as start, "/" ++ split(split(split(request, " ")[1], "?")[0], "/")[1] as section' - |
    xan groupby start,section,status 'count() as requests, sum(bytes) as bytes'
