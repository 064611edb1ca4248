"""What the programs of the benchmark found in a log, read from their output.

Each answer is a dictionary of some of: "records"; "sections", (start, section) to
[requests, bytes]; "hits", (start, section) to requests; "codes", (start, status) to
requests; "totals", status to requests; "alerts", a list of (type, second, requests).
"""

import collections
import json
from calendar import timegm
from time import strptime


def second(text):
    return timegm(strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def answer_of_events(path):
    sections, codes, totals, alerts = {}, {}, collections.Counter(), []
    answer = {"records": 0, "malformed": 0}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["type"] != "summary":
                alerts.append((event["type"], second(event["time"]), event["requests"]))
                continue
            start = second(event["start"])
            answer["records"] += event["requests"]
            answer["malformed"] += event["malformed"]
            for code, requests in event["status_codes"].items():
                codes[start, int(code)] = requests
                totals[int(code)] += requests
            for section in event["sections"]:
                sections[start, section["section"]] = [section["requests"], section["bytes"]]
    hits = {key: requests for key, (requests, _) in sections.items()}
    return answer | {
        "sections": sections,
        "hits": hits,
        "codes": codes,
        "totals": dict(totals),
        "alerts": alerts,
    }


def answer_of_counts(counts, alerts=()):
    sections, codes = {}, collections.Counter()
    for count in counts:
        start = int(float(count["start"]))
        requests = int(count["requests"])
        both = sections.setdefault((start, count["section"]), [0, 0])
        both[0] += requests
        both[1] += int(float(count["bytes"]))
        codes[start, int(count["status"])] += requests
    return {
        "records": sum(codes.values()),
        "sections": sections,
        "codes": dict(codes),
        "alerts": list(alerts),
    }


def answer_of_lines(path):
    with open(path, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines if line.strip()]
    alerts = [
        (event["type"], event["time"], event["requests"])
        for event in events
        if event["type"] in ("alert", "recovery")
    ]
    return answer_of_counts((event for event in events if event["type"] == "count"), alerts)


def answer_of_csv(path):
    with open(path, encoding="utf-8") as lines:
        names = next(lines).strip().split(",")
        return answer_of_counts(dict(zip(names, line.strip().split(","), strict=True)) for line in lines)


def answer_of_agrind(path):
    with open(path, encoding="utf-8") as text:
        counts = json.load(text)
    for count in counts:
        count["section"] = "/" + count["section"]
    return answer_of_counts(counts)


def answer_of_kelora(path):
    hits, codes, alerts = collections.Counter(), collections.Counter(), []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("{"):
                continue
            event = json.loads(line)
            if event.get("type") in ("alert", "recovery"):
                alerts.append((event["type"], event["time"], event["requests"]))
                continue
            start = second(event["start"])
            for key, requests in event["metrics"]["key"].items():
                section, code = key.rsplit(" ", 1)
                hits[start, section] += requests
                codes[start, int(code)] += requests
    return {"records": sum(codes.values()), "hits": dict(hits), "codes": dict(codes), "alerts": alerts}


def answer_of_goaccess(path):
    with open(path, encoding="utf-8") as text:
        report = json.load(text)
    totals = {}
    for group in report["status_codes"]["data"]:
        for item in group.get("items", []):
            totals[int(item["data"][:3])] = item["hits"]["count"]
    return {"records": report["general"]["valid_requests"], "totals": totals}


def answer_of_number(path):
    with open(path, encoding="ascii") as text:
        # The header is a record to these.
        return {"records": int(text.read()) - 1}


def compare(ours, theirs, parts):
    wrong = [part for part in parts if ours[part] != theirs[part]]
    return "**differs**: " + ", ".join(wrong) if wrong else "same " + ", ".join(parts)
