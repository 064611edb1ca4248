# The serving part of httpmon-web: Datasette on one file, with the page that httpmon-web.yml describes.
# Run by httpmon-web in its virtual environment, with HOST PORT FILE.
import base64
import pathlib
import socket
import sqlite3
import sys

import uvicorn
import yaml
from datasette.app import Datasette
from datasette.database import Database


class Store(Database):
    """Opened for reading only, whatever asks; under one name, whatever the file's (the page's queries name it)."""

    def connect(self, write=False):
        connection = open_read_only(self.path)
        self._all_file_connections.append(connection)
        return connection


def open_read_only(path):
    uri = pathlib.Path(path).resolve().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=10)


def fail(text):
    print(f"httpmon-web: {text}", file=sys.stderr)
    sys.exit(2)


def dashboard():
    """The page's description; every query gets the common beginning that the choice of period and source needs."""
    page = yaml.safe_load(pathlib.Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    for chart in page["dashboard"]["charts"].values():
        chart["db"] = "httpmon"
        chart["query"] = page["scope"] + chart["query"]
        if chart["library"] == "vega-lite":
            chart["display"] = {**page["look"], **chart["display"]}
    return page


def main(host, port, path):
    try:
        connection = open_read_only(path)
        if not connection.execute("select 1 from sqlite_schema where name = 'counted'").fetchone():
            fail(f"{path}: not a file of httpmon-store")
        connection.close()
    except sqlite3.Error as error:
        fail(f"{path}: {error}")

    page = dashboard()
    style = base64.b64encode(page["style"].encode()).decode()
    server = Datasette(
        metadata={
            "title": "httpmon",
            "extra_css_urls": [f"data:text/css;base64,{style}"],
            "plugins": {"datasette-dashboards": {"httpmon": page["dashboard"]}},
        },
        # A year of 10 s windows takes its time.
        settings={"max_returned_rows": 5000, "sql_time_limit_ms": 60000, "num_sql_threads": 3},
    )
    server.add_database(Store(server, path=path), name="httpmon")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        fail(f"{host} port {port}: {error}")
    shown = f"[{host}]" if ":" in host else host
    print(f"httpmon-web: http://{shown}:{listener.getsockname()[1]}/-/dashboards/httpmon", file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(server.app(), log_level="warning", lifespan="on")).run(sockets=[listener])


try:
    main(*sys.argv[1:])
except KeyboardInterrupt:
    pass
