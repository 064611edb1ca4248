#!/usr/bin/env bash
# The cron example: logs of several days that the real logrotate rotates, and a mail each morning.
set -euo pipefail
scripts/need jq logrotate zcat=gzip awk=mawk find=findutils
# shellcheck source=tests/lib.sh
. tests/lib.sh

mkdir "$dir/logs" "$dir/bin"
log=$dir/logs/access.csv
sed "s|/var/log/nginx/\*.csv|$log|; /^ *postrotate/,/^ *endscript/d" scripts/logrotate/httpmon-access > "$dir/delayed.conf"
sed '/delaycompress/d' "$dir/delayed.conf" > "$dir/at-once.conf"
chmod 600 "$dir"/*.conf # logrotate wants a configuration that only its owner may write
rotate() { # CONFIGURATION
    logrotate --force --state "$dir/state" "$dir/$1.conf" || fail "logrotate: status $?"
}

# The lines of the example are NAME=VALUE and one entry.
sed -n '/^[0-9]/s/^\([^ ]* *\)\{5\}root *//p' scripts/cron/httpmon > "$dir/entry"
[ "$(line_count "$dir/entry")" = 1 ] || fail 'not one entry'
! grep -q % "$dir/entry" || fail 'cron makes newlines of %'
# Yesterday is the day before the one that the test says.
cat > "$dir/bin/date" <<DATE
#!/bin/sh
exec $(command -v date) "\$1" "\$2" "\$3" "\$today \$4"
DATE
chmod +x "$dir/bin/date"
cron() { # TODAY: runs the entry as cron would: sh, little in the environment
    env -i PATH="$dir/bin:$PATH" today="$1" LOG="$log" OPTIONS='--delimiter ,' sh "$dir/entry" > "$dir/mail" 2>&1 < /dev/null
}

# Three days. Every twenty minutes a request; 12 a second, up to 2 s out of order, for 200 s at each midnight, at
# 06:25, and at noon.
first=$((17934 * 86400)) # 2019-02-07
awk -v first="$first" 'BEGIN {
    for (t = first + 1200; t < first + 3 * 86400 + 43000; t++) {
        day = t % 86400
        burst = day >= 86250 || day < 50 || (day >= 22950 && day < 23150) || (day >= 43200 && day < 43400)
        for (i = 0; i < (burst ? 12 : t % 1200 == 0); i++)
            printf "192.0.2.%d,-,-,%d,GET /a HTTP/1.1,200,1\n", i, burst ? t - i % 3 : t
    }
}' > "$dir/lines"
httpmon -q --source "$log" < "$dir/lines" | jq -r 'select(.type != "summary" and .time < "2019-02-10") | "\(.source): \(.message)"' > "$dir/expected"
[ "$(line_count "$dir/expected")" -ge 14 ] || fail "only $(line_count "$dir/expected") alerts and recoveries"

written=0
write_until() { # SECOND: what is written until then; each time a minute after the last, however fast the machine is
    written=$((written + 1))
    awk -F , -v from="$now" -v to="$1" '{ if ($4 > last) last = $4 } last >= from && last < to' "$dir/lines" >> "$log"
    touch -d "-$((100 - written)) minutes" "$log"
    now=$1
}
nights() { # CONFIGURATION SECOND: of the day, at which it is rotated; the job is at 06:30
    local day morning rotation
    rm -f "$dir"/logs/* "$dir/state"
    now=0
    : > "$dir/mails"
    for day in 1 2 3; do
        morning=$((first + day * 86400 + 23400))
        rotation=$((first + day * 86400 + $2))
        write_until "$rotation"
        rotate "$1"
        write_until "$morning"
        cron "$(date -u -I -d "@$morning")" || fail "$(cat "$dir/mail")"
        cat "$dir/mail" >> "$dir/mails"
    done
    same_bytes "rotated at second $2 of the day" "$dir/expected" "$dir/mails"
}
nights delayed 0
nights delayed 2
nights at-once 3600
ok 'rotated at midnight or at one, in an alert: each alert and each recovery is in one mail'
nights delayed 23100
nights at-once 23100
ok 'rotated at 06:25, in an alert: each alert and each recovery is in one mail'

cron 2019-02-09 || fail "$(cat "$dir/mail")"
grep -q "^$log: High traffic generated an alert - hits = .*, triggered at 2019-02-08T23:5" "$dir/mail" || fail "$(cat "$dir/mail")"
cron 2019-03-01 || fail "$(cat "$dir/mail")"
[ ! -s "$dir/mail" ] || fail "mail for a calm day: $(cat "$dir/mail")"
ok 'a day without an alert makes no mail'
rm "$log".*
printf 'no log\nnor this\n' > "$log"
cron 2019-02-09 || :
grep -q '^httpmon: ' "$dir/mail" || fail 'silent about a log that cannot be read'
rm "$log"
cron 2019-02-09 || :
grep -q 'No such file' "$dir/mail" || fail 'silent about a log that is not there'
ok 'it mails that a log could not be read, or is not there'
