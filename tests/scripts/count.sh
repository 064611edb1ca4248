#!/usr/bin/env bash
# Counts logs again with Python's csv module, and compares the totals by status class and section,
# and of bytes. Also of the logs in ../shared/data, where these are.
set -euo pipefail
scripts/need jq python3
# shellcheck source=tests/lib.sh
. tests/lib.sh

# What the whole log has, by httpmon: late requests are counted in other windows, so only sums compare.
by_httpmon() {
    httpmon -q --top 0 --interval 366d | jq -S -s '
        map(select(.type == "summary")) | {
            requests: map(.requests) | add,
            bytes: map(.bytes // 0) | add,
            status: (map(.status // {} | to_entries) | add | group_by(.key) | map({(.[0].key): map(.value) | add}) | add),
            sections: (map(.sections // [] | map({(.section): .requests})) | add | map(to_entries) | add
                | group_by(.key) | map({(.[0].key): map(.value) | add}) | add),
            malformed: map(.malformed) | add
        }'
}

# The same by Python. Lines, not records, as a quote left open costs one line: a quoted newline is two
# malformed ones.
by_python() { # DELIMITER METHOD-AND-PATH|REQUEST COLUMN STATUS BYTES FIELDS
    python3 -c '
import collections, csv, json, sys
delimiter, kind, path, status, size, fields = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
total, classes, sections = collections.Counter(), collections.Counter(), collections.Counter()
for line in sys.stdin.buffer.read().decode("utf-8-sig", "replace").split("\n"):
    if not line.strip():
        continue
    if line.count("\"") % 2:
        total["malformed"] += 1
        continue
    # Apache writes a quote as \\", which is tried where nothing else can be read.
    for escape in None, "\\":
        row = next(csv.reader([line.rstrip("\r")], delimiter=delimiter, escapechar=escape))
        is_good = len(row) >= fields and row[status].replace(".", "").isdigit()
        if is_good:
            break
    if not is_good:
        # A header has a word where the status is.
        total["malformed"] += not (len(row) >= fields and row[status].isalpha())
        continue
    code = int(float(row[status]))
    total["requests"] += 1
    total["bytes"] += int(float(row[size])) if row[size] not in ("", "-") else 0
    classes["other" if not 100 <= code < 600 else f"{code // 100}xx"] += 1
    target = row[path]
    if kind == "request":
        words = target.split(" ")
        target = " ".join(words[1:-1] if words[-1].startswith("HTTP/") else words[1:])
    target = target.split("?")[0].split("#")[0]
    if not target.startswith("/") and "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    section = "/" + target[1:].split("/")[0] if target.startswith("/") else target if target == "*" else "-"
    sections["".join(c if c.isprintable() else "\ufffd" for c in section)] += 1
status = {name: classes[name] for name in ("1xx", "2xx", "3xx", "4xx", "5xx", "other")}
json.dump({"requests": total["requests"], "bytes": total["bytes"], "status": status, "sections": sections,
           "malformed": total["malformed"]}, sys.stdout)
' "$@" | jq -S .
}

compare() { # LOG LAYOUT...
    local log=$1
    shift
    by_httpmon < "$log" > "$dir/ours"
    by_python "$@" < "$log" > "$dir/theirs"
    diff "$dir/theirs" "$dir/ours" >&2 || {
        printf 'count: %s is not counted the same by Python\n' "$log" >&2
        exit 1
    }
    printf 'ok %s: %s requests, %s bytes, %s sections, %s malformed, as Python counts them\n' "${log##*/}" \
        "$(jq .requests "$dir/ours")" "$(jq .bytes "$dir/ours")" "$(jq '.sections | length' "$dir/ours")" \
        "$(jq .malformed "$dir/ours")"
}

compare tests/data/access.csv , request 4 5 6 7
compare tests/data/apache_combined.csv , request 4 5 6 7
compare tests/data/tab_method_url.csv $'\t' path 4 5 6 7
data=../shared/data
if [ -d "$data" ]; then
    compare "$data/sample_csv.txt" , request 4 5 6 7
    compare "$data/apache_combined_nohdr_bom.csv" , request 4 5 6 7
    compare "$data/nasa_19950801_tab.csv" $'\t' path 4 5 6 7
fi
