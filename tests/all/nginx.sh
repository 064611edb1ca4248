#!/usr/bin/env bash
# nginx from Debian's packages, its log written as the README says, and requests that try to upset it.
set -euo pipefail
scripts/need nginx=nginx-light curl jq python3
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=tests/servers.sh
. tests/servers.sh

# Every worker may be another user.
chmod 755 "$dir"
mkdir -p "$dir/www/dir" "$dir/logs" "$dir/temp"
echo 'a page' > "$dir/www/index.html"
seq 1000 > "$dir/www/dir/page.html"
port=$(free_port)
cat > "$dir/nginx.conf" <<CONFIG
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events {}
http {
    # The seven columns that httpmon reads when nothing else is said. nginx writes quotes, control characters
    # and what isn't ASCII as \xHH here, so that nothing that a client sends ends a field.
    $(of_formats '^log_format httpmon ')
    access_log $dir/logs/access.csv httpmon;
    # Further columns may follow.
    log_format httpmon_long '\$remote_addr,-,"\$remote_user",\$time_iso8601,"\$request",\$status,\$body_bytes_sent,"\$http_referer","\$http_user_agent"';
    access_log $dir/logs/long.csv httpmon_long;
    # What nginx writes by default.
    access_log $dir/logs/combined.csv combined;

    client_body_temp_path $dir/temp/body;
    proxy_temp_path $dir/temp/proxy;
    fastcgi_temp_path $dir/temp/fastcgi;
    uwsgi_temp_path $dir/temp/uwsgi;
    scgi_temp_path $dir/temp/scgi;
    absolute_redirect off;
    server {
        listen 127.0.0.1:$port;
        root $dir/www;
        location /fail/ { return 500; }
        location /down/ { return 503 "come back later\n"; }
        location /private/ { return 401; }
    }
}
CONFIG
nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" 2> "$dir/server.err" &
server=$!
kindly+=("$server")
check_server nginx "$port" , combined
end_test
