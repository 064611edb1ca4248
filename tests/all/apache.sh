#!/usr/bin/env bash
# Apache from Debian's packages, its log written as httpmon-formats(7) says, and requests that try to upset it.
set -euo pipefail
scripts/need apache2=apache2-bin curl jq python3
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=tests/servers.sh
. tests/servers.sh

# The server may be another user.
chmod 755 "$dir"
mkdir -p "$dir/www/dir" "$dir/www/private" "$dir/logs"
echo 'a page' > "$dir/www/index.html"
seq 1000 > "$dir/www/dir/page.html"
: > "$dir/nobody"
port=$(free_port)
modules=/usr/lib/apache2/modules
cat > "$dir/apache.conf" <<CONFIG
ServerRoot $dir
ServerName localhost
Listen 127.0.0.1:$port
DefaultRuntimeDir $dir
PidFile $dir/apache.pid
ErrorLog $dir/error.log
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authn_core_module $modules/mod_authn_core.so
LoadModule authn_file_module $modules/mod_authn_file.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule authz_user_module $modules/mod_authz_user.so
LoadModule auth_basic_module $modules/mod_auth_basic.so
LoadModule alias_module $modules/mod_alias.so
LoadModule dir_module $modules/mod_dir.so
StartServers 1
TraceEnable off

# The seven columns that httpmon reads when nothing else is said, with tabs between them: Apache writes a tab in a
# value as \\t, so that nothing that a client sends ends a field. "end" is the time at which the line is written.
$(of_formats '^LogFormat .* httpmon$')
CustomLog $dir/logs/access.csv httpmon
# Further columns may follow.
LogFormat "%a\\t-\\t%u\\t%{end:%Y-%m-%dT%H:%M:%S%z}t\\t%r\\t%>s\\t%B\\t%{Referer}i\\t%{User-Agent}i" httpmon_long
CustomLog $dir/logs/long.csv httpmon_long
# The formats of Debian's apache2.conf.
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" vhost_combined
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog $dir/logs/vhost.csv vhost_combined
CustomLog $dir/logs/combined.csv combined

DocumentRoot $dir/www
<Directory $dir/www>
    Require all granted
</Directory>
Redirect 500 /fail/
Redirect 503 /down/
<Location /private>
    AuthType Basic
    AuthName private
    AuthBasicProvider file
    AuthUserFile $dir/nobody
    Require valid-user
</Location>
CONFIG
if [ "$(id -u)" -eq 0 ]; then
    printf 'User nobody\nGroup nogroup\n' >> "$dir/apache.conf"
fi
apache2 -f "$dir/apache.conf" -D FOREGROUND 2> "$dir/server.err" &
server=$!
kindly+=("$server")
check_server apache "$port" tab combined vhost
end_test
