# shellcheck shell=bash
# What the tests of servers share: what a server logs is held against what a client asked and got.
# To be sourced after lib.sh; run by itself it does nothing.

server= # the process

is_listening() { # PORT; without asking, as that might be logged
    ! is_gone "$server" || fail "the server has ended: $(cat "$dir/server.err" "$dir/error.log" 2> /dev/null)"
    grep -q "^ *[0-9]*: 0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}

# Follows the logs of the server whose process is $server, asks, and compares.
check_server() { # SERVER PORT DELIMITER [LOG WITHOUT AN OPTION]...
    local log asked server_name=$1 port=$2 logs=(access long "${@:4}")
    local -A options=([access]="--delimiter $3" [long]="--delimiter $3")
    declare -A followers monitors started_at
    until_true "$1 listens" is_listening "$2"
    set -- "$server_name" "$port"
    for log in "${logs[@]}"; do
        mkfifo "$dir/$log.fifo"
        tail -n +1 -F "$dir/logs/$log.csv" > "$dir/$log.fifo" 2> "$dir/$log.tail" &
        followers[$log]=$!
        # shellcheck disable=SC2086 # no option is no word
        httpmon ${options[$log]-} --top 0 --rejects "$dir/$log.rejects" < "$dir/$log.fifo" > "$dir/$log.out" 2> "$dir/$log.err" &
        monitors[$log]=$!
        until_true 'the monitor has started' catches_sigterm "${monitors[$log]}"
        started_at[$log]=$(bytes_read "${monitors[$log]}")
    done
    ask "$1" "$2" > "$dir/asked"
    {
        curl -s -o /dev/null -w '%{http_code}\tGET\t/dir\t%{size_download}\n' "http://127.0.0.1:$2/dir/page.html?[1-200]"
        curl -s -o /dev/null -w '%{http_code}\tGET\t/none\t%{size_download}\n' "http://127.0.0.1:$2/none/[1-50].html"
        curl -s -I -o /dev/null -w '%{http_code}\tHEAD\t/dir\t0\n' "http://127.0.0.1:$2/dir/page.html?[1-50]"
        curl -s -d some=form -o /dev/null -w '%{http_code}\tPOST\t/dir\t%{size_download}\n' "http://127.0.0.1:$2/dir/page.html?[1-50]"
    } >> "$dir/asked"
    asked=$(line_count "$dir/asked")
    for log in "${logs[@]}"; do
        until_true "$1 logs every request" has_lines "$dir/logs/$log.csv" "$asked"
        until_true 'the monitor reads all of it' has_read_bytes "${monitors[$log]}" $((started_at[$log] + $(stat -c %s "$dir/logs/$log.csv")))
        kill "${followers[$log]}"
        ends_with "${monitors[$log]}" 0 "the monitor of $1"
        [ ! -s "$dir/$log.err" ] || fail "$1, $log.csv: $(cut -c 1-300 "$dir/$log.err" | head -n 5)"
        [ ! -s "$dir/$log.rejects" ] || fail "$1, $log.csv: $(line_count "$dir/$log.rejects") rejected"
        sums_of_server "$dir/$log.out" > "$dir/got"
        # Between blanks a backslash in quotes is dropped.
        case ${options[$log]-} in
            '') sums_asked "$dir/asked" 'gsub("\\\\(?<next>.)"; .next)' > "$dir/expected" ;;
            *) sums_asked "$dir/asked" . > "$dir/expected" ;;
        esac
        # Debian's formats for Apache have the bytes with those of the head.
        if [ "$1" = apache ] && [ "${options[$log]-}" = "" ]; then
            for sums in expected got; do
                jq -S 'del(.bytes, .section_bytes)' "$dir/$sums" > "$dir/$sums.new"
                mv "$dir/$sums.new" "$dir/$sums"
            done
        fi
        diff -u "$dir/expected" "$dir/got" >&2 || fail "$1, $log.csv: other sums than what was asked"
    done
    ok "$asked requests to $1, odd ones and forgeries too: status, method, section and bytes are what was asked and got"
    ok "the same with no option in the logs that it writes by default: ${logs[*]:2}"
    ok "no line of it is malformed, and no field is forged; the same with referer and user agent at the end of the line"
}
has_read_bytes() { [ "$(bytes_read "$1")" -ge "$2" ]; } # PID BYTES

sums_of_server() { # EVENTS
    jq -n -S '
        def sums(f): map(f | to_entries[]) | group_by(.key) | map({key: .[0].key, value: (map(.value) | add)}) | from_entries;
        [inputs | select(.type == "summary")] | {
            requests: (map(.requests) | add), bytes: (map(.bytes) | add),
            statuses: sums(.status_codes), methods: sums(.methods),
            sections: sums(.sections | map({(.section): .requests}) | add // {}),
            section_bytes: sums(.sections | map({(.section): .bytes}) | add // {}),
            hosts: sums(.hosts | map({(.host): .requests}) | add // {}),
            malformed: (map(.malformed) | add), skipped: (map(.skipped) | add)}' "$1"
}
sums_asked() { # LINES OF STATUS, METHOD, SECTION, BYTES; HOW A SECTION IS READ
    jq -n -R -S '
        def sums(key; n): group_by(key) | map({key: .[0] | key, value: map(n) | add}) | from_entries;
        [inputs | split("\t") | {status: .[0], method: .[1], section: (.[2] | '"$2"')[:128], bytes: (.[3] | tonumber)}] | {
            requests: length, bytes: (map(.bytes) | add),
            statuses: sums(.status; 1), methods: sums(.method; 1),
            sections: sums(.section; 1), section_bytes: sums(.section; .bytes),
            hosts: {"127.0.0.1": length}, malformed: 0, skipped: 0}' "$1"
}

# Asks for everything that might upset a log. Prints what was asked and got: status, method, section and
# bytes of the body, one request a line.
ask() { # SERVER PORT
    python3 - "$@" <<'PYTHON'
import base64
import re
import socket
import sys

server, port = sys.argv[1], int(sys.argv[2])
KNOWN = b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split()
FIELDS = [b"-", b"-", b"2030-01-01T00:00:00Z", b"GET /forged HTTP/1.1", b"200", b"99999999"]


def shown(name):
    """What the server writes for these bytes, as a section."""
    if server == "apache":  # of a request line it keeps three words, with one blank between them
        name = b" ".join(re.split(rb"[ \t\r]+", name)[:2])
    short = {8: "\\b", 10: "\\n", 34: '\\"', 92: "\\\\"} if server == "apache" else {}
    other = "\\x%02x" if server == "apache" else "\\x%02X"
    plain = lambda byte: 32 <= byte <= 126 and byte not in b'"\\'
    return "".join(chr(byte) if plain(byte) else short.get(byte, other % byte) for byte in name)


def ask(raw, method, section, status=None):
    """Sends `raw`. The status is given only if the answer doesn't say it."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        try:
            client.sendall(raw)
            while piece := client.recv(65536):
                answer += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # closed with some of our bytes unread; what it said came before
    head, _, body = answer.partition(b"\r\n\r\n")
    said = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    if not said:
        body = answer
        if status is None:
            sys.exit(f"no status in the answer to {raw[:80]!r}: {answer[:80]!r}")
    print(int(said[1]) if said else status, method, shown(section), len(body), sep="\t")


def get(target, section, *headers, method=b"GET", body=b""):
    headers = b"".join(header + b"\r\n" for header in (b"Host: localhost", b"Connection: close", *headers))
    name = method.decode() if method in KNOWN else "other"
    ask(method + b" " + target + b" HTTP/1.1\r\n" + headers + b"\r\n" + body, name, section)


# The very first lines: what looks like a record with more fields if another delimiter is taken.
for d in b";", b"|", b"\t", b",":
    target = b"/first" + d + d.join(FIELDS[:3] + [b"-", b"200", b"99999999", b"x"]) + d
    get(target, target)

# Ordinary ones.
for target, section in ((b"/", b"/"), (b"/index.html", b"/index.html"), (b"/dir/page.html?q=/1", b"/dir"), (b"/dir/", b"/dir"), (b"/dir", b"/dir")):
    get(target, section)
    get(target, section, method=b"HEAD")
for method in b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"PROPFIND":
    get(b"/dir/page.html", b"/dir", b"Content-Length: 9", method=method, body=b"some=form")
get(b"/dir/page.html", b"/dir", method=b"TRACE")
for target in b"/missing", b"/missing/", b"/missing/x?y=/z", b"/fail/x", b"/down/x", b"/private/x":
    get(target, b"/" + target.split(b"/")[1])
get(b"/index.html", b"/index.html", b"If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT")
get(b"/index.html", b"/index.html", b"Range: bytes=1-5")
get(b"http://localhost/abs/x", b"/abs")
get(b"*", b"*", method=b"OPTIONS")
get(b"localhost:443", b"-", method=b"CONNECT")
ask(b"GET /nine/x\r\n", "GET", b"/nine", 404)
ask(b"GET /index.html\r\n", "GET", b"/index.html", 200)

# Quotes, delimiters, blanks, control characters, and what isn't ASCII.
for name in (
    b'quote"s', b"apostrophe's", b"com,ma", b"semi;colon", b"pi|pe", b"back\\slash", b'both\\"', b'"', b'""', b'",', b"ta\tb", b"\t",
    b"blan k", b" ", b"gr\xc3\xb6\xc3\x9fe", b"\xe9t\xe9", b"\xff\xfe", b"\xe2\x80\xa8", b"\x1b[2J\x1b]0;title\x07", b"\x7f\x01\x08",
    b"%22%2c%09%0a", b"%00", b"%", b"a" * 300, b"[2030-01-01]", b"==> forged <==", b"host,ident,user,time,request,status,bytes",
):
    get(b"/" + name + b"/x", b"/" + name)
    get(b"/dir/" + name + b"?" + name, b"/dir")
    get(b"/dir/x", b"/dir", b"User-Agent: " + name, b"Referer: " + name)

# Requests made to forge fields and lines.
for d in b",", b"\t", b";":
    record = d.join([b"10.0.0.66", *FIELDS])
    for target in (
        b'/x" 200 5 "', b'/x"' + d + b"200" + d + b'99999999"', b'/x\\"' + d + b"200" + d + b"5", b'/x"' + d + record + b'"',
        b"/x" + d + record, b'/x\\"' + d + b"200" + d + b"5\\", b"/x%0a" + record,
    ):
        get(target, b"/x" + target[2:].partition(b"/")[0])
    for value in b'"' + d + record + d + b'"', b"x" + d + record, b'\\"' + d + b"200" + d + b"99999999", b"x\r\n " + record, b"x\x01\x1b\xff" + d, b"\\", b'\\\\"':
        get(b"/dir/agent", b"/dir", b"User-Agent: " + value)
        get(b"/dir/referer", b"/dir", b"Referer: " + value)
    for user in b"a user", b"- - -", b'x [07/Feb/2019:21:11:00 +0000] "GET /forged HTTP/1.1" 200 5', b"x] [y", b'x"' + d + record, b"x" + d + record, b"x\n" + record + b"\n", b'"', b"\\", b"", b"\xc3\xa9\x1b":
        credentials = b"Authorization: Basic " + base64.b64encode(user + b":password")
        get(b"/private/x", b"/private", credentials)
        get(b"/dir/page.html", b"/dir", credentials)
    ask(b"GET /lines HTTP/1.1\n" + record + b"\n" + record + b"\n\n", "GET", b"/lines")
    get(b"/lines", b"/lines", record)
# nginx takes a carriage return for the end of what it shows.
ask(b"GET /cr\rx HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET", b"/cr" if server == "nginx" else b"/cr x")

# What is hardly a request, or none.
for junk, method, section in (
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "other", b"-"),
    (b"-\r\n\r\n", "other", b"-"),
    (b"==> forged <==\r\n\r\n", "other", b"-"),
    (b"host,ident,user,time,request,status,bytes\r\n\r\n", "other", b"-"),
    (b",".join([b"10.0.0.66", *FIELDS]) + b"\r\n\r\n", "other", b"/forged"),
    (b'"GET /index.html HTTP/1.1"\r\n\r\n', "other", b"/index.html"),
    (b"get /index.html HTTP/1.1\r\n\r\n", "other", b"/index.html"),
    (b"GET\r\n\r\n", "GET", b"-"),
    (b"GET  /index.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET", b"/index.html"),
    (b"GET /index.html HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET", b"/index.html HTTP" if server == "nginx" else b"/index.html"),
    (b"GET /index.html HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET", b"/index.html"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "other", b"*"),
):
    ask(junk, method, section)
# The start of a TLS handshake has no end of line, and Apache doesn't log what never has one.
ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(14, 256)) + b"\r\n\r\n" * (server == "apache"), "other", b"-")
get(b"/" + b"\xff" * 7900, b"/" + b"\xff" * 100)
get(b"/" + b"long" * 4000, b"/" + b"long" * 100)
get(b"/" + b'\x01"' * 8000, b"/" + b'\x01"' * 100)
PYTHON
}
