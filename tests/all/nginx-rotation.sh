#!/usr/bin/env bash
# nginx under clients that never pause, its log rotated by logrotate with the stanza that is installed, and the pipe of
# the service: every request is counted, also those that nginx still writes to the renamed file.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need nginx=nginx-light logrotate python3 zcat=gzip pgrep=procps
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=tests/servers.sh
. tests/servers.sh

chmod 755 "$dir" # nginx's workers are another user
mkdir -p "$dir/www" "$dir/logs" "$dir/temp"
log=$dir/logs/access.csv
echo 'a page' > "$dir/www/index.html"
port=$(free_port)
cat > "$dir/nginx.conf" <<CONFIG
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log;
worker_processes 2;
events {}
http {
    $(of_formats '^log_format httpmon ')
    access_log $log httpmon;
    client_body_temp_path $dir/temp/body;
    proxy_temp_path $dir/temp/proxy;
    fastcgi_temp_path $dir/temp/fastcgi;
    uwsgi_temp_path $dir/temp/uwsgi;
    scgi_temp_path $dir/temp/scgi;
    keepalive_requests 100000000;
    server {
        listen 127.0.0.1:$port;
        root $dir/www;
    }
}
CONFIG
sed "s|/var/log/nginx/\*.csv|$log|; s|/run/nginx.pid|$dir/nginx.pid|g" scripts/logrotate/httpmon-access > "$dir/logrotate.conf"
chmod 600 "$dir/logrotate.conf" # logrotate wants a configuration that only its owner may write
nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" 2> "$dir/server.err" &
server=$!
kindly+=("$server")
until_true 'nginx listens' is_listening "$port"

events=$dir/events.ndjson
mkfifo "$dir/followed"
httpmon-follow "$log" > "$dir/followed" &
follower=$!
httpmon --quiet --delimiter , < "$dir/followed" | httpmon-append "$events" > "$dir/appended" &
monitor=$!

cat > "$dir/clients.py" <<'PYTHON'
# Asks on four connections at once until the file "stop" is there; prints how often it was answered.
import http.client, os, sys, threading
folder, port = sys.argv[1], int(sys.argv[2])
answered = [0] * 4
def ask(number):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while not os.path.exists(f"{folder}/stop"):
        connection.request("GET", "/index.html")
        assert connection.getresponse().read() == b"a page\n"
        answered[number] += 1
threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(answered))
PYTHON
python3 "$dir/clients.py" "$dir" "$port" > "$dir/answered" &
clients=$!
has_turned() { # a file that is compressed while a worker still writes to it is lost for everybody
    local pid
    for pid in "$server" $(pgrep -P "$server"); do
        ! find "/proc/$pid/fd" -lname "$log.1" | grep -q . || return 1
    done
}
for round in 1 2 3 4 5; do
    until_true "requests in file $round" has_lines "$log" 500
    logrotate --force --state "$dir/state" "$dir/logrotate.conf" || fail "logrotate: status $?"
    until_true 'nginx has turned to the new file' has_turned
done
until_true 'requests in the last file' has_lines "$log" 500
touch "$dir/stop"
ends_with "$clients" 0 'the clients'
answered=$(cat "$dir/answered")
all() { zcat -f "$log".5.gz "$log".4.gz "$log".3.gz "$log".2.gz "$log".1 "$log"; }
has_logged_all() { [ "$(all | wc -l)" -ge "$answered" ]; }
until_true 'nginx logs every request' has_logged_all
bytes=$(all | wc -c)
has_followed_all() { [ "$(sed -n 's/^wchar: //p' "/proc/$follower/io")" -ge "$bytes" ]; }
until_true 'all is followed' has_followed_all
kill "$follower"
ends_with "$monitor" 0 'the pipe'
[ "$(requests_in "$events") $(malformed_in "$events")" = "$answered 0" ] || fail "of $answered requests: $(sums_of "$events")"
ok "nginx and logrotate, rotated five times under load: all of $answered requests are counted"
