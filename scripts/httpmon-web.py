# The server of httpmon-web: Datasette on one file, with the page that httpmon-web.yml describes.
# httpmon-web runs it in its virtual environment, with HOST PORT SQL FILE [NAME...]. SQL (yes or no): whether visitors
# may run SQL. NAMEs: host names that requests may have, beside the address itself.
import base64
import html
import ipaddress
import pathlib
import socket
import sqlite3
import sys
import urllib.parse

import uvicorn
import yaml
from datasette.app import Datasette
from datasette.database import Database

PAGE = "/-/dashboards/httpmon"
# A query may take 5 seconds, and three run at a time: with more requests everybody would wait for minutes.
MOST_AT_ONCE = 30


class Store(Database):
    """The file, opened read-only, under the name that the queries of the page use."""

    def connect(self, write=False):
        connection = open_read_only(self.path)
        connection.create_function("shown", 1, shown, deterministic=True)
        connection.create_function("lasts", 1, lasts, deterministic=True)
        self._all_file_connections.append(connection)
        return connection


def open_read_only(path):
    uri = pathlib.Path(path).resolve().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=5)


def shown(name):
    """A name, escaped for HTML."""
    return None if name is None else html.escape(str(name))


def lasts(seconds):
    """A duration in its two largest units."""
    for unit, name, smaller, smaller_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            return f"{seconds // unit} {name} {seconds % unit // smaller} {smaller_name}"
    return f"{seconds} s"


def fail(text):
    print(f"httpmon-web: {text}", file=sys.stderr)
    sys.exit(2)


def check(path):
    try:
        connection = open_read_only(path)
        version = connection.execute("pragma user_version").fetchone()[0]
        if not connection.execute("select 1 from sqlite_schema where name = 'counted'").fetchone():
            fail(f"{path}: not a file of httpmon-store")
        if version != 2:
            fail(f"{path}: made by another version of httpmon-store; to upgrade: httpmon-store '{path}' < /dev/null")
        connection.close()
    except sqlite3.OperationalError as error:
        if "unable to open" in str(error) or "readonly" in str(error):
            fail(f"{path}: a writer has it open and SQLite can't write beside it: run httpmon-web as the user of "
                 f"httpmon-store, or on a copy: sqlite3 '{path}' '.backup copy.db'")
        fail(f"{path}: {error}")
    except sqlite3.Error as error:
        fail(f"{path}: {error}")


def dashboard():
    """The description of the page. Every query gets the common beginning, which selects period and source."""
    page = yaml.safe_load(pathlib.Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    for chart in page["dashboard"]["charts"].values():
        chart["db"] = "httpmon"
        # A query that starts with a comma adds tables to the common `with`.
        query = page["scope"].rstrip() + "\n" + chart["query"]
        chart["query"] = query.replace(":kind", f"'{chart.pop('kind', '')}'")
        if chart["library"] == "vega-lite":
            chart["display"] = {**page["look"], **chart["display"]}
    return page


class Door:
    """Refuses requests whose Host is not a name of this server (DNS rebinding), requests that pages of other sites
    make without their visitor's knowledge, and too many at a time. Unless SQL is allowed, serves the page and its own
    queries only."""

    def __init__(self, app, names, queries, sql):
        self.app, self.names, self.queries, self.sql = app, names, queries, sql
        self.at_once = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if self.at_once >= MOST_AT_ONCE:
            return await refuse(send, 503, "Too many requests at a time.\n", [(b"retry-after", b"5")])
        self.at_once += 1
        try:
            await self.answer(scope, receive, send)
        finally:
            self.at_once -= 1

    async def answer(self, scope, receive, send):
        headers = dict(scope["headers"])
        if not self.is_for_us(headers.get(b"host", b"").decode("latin-1")):
            return await refuse(send, 403, "This host name is not allowed: start httpmon-web with --allow-host NAME.\n")
        # Following a link from another site is allowed.
        if headers.get(b"sec-fetch-site") == b"cross-site" and headers.get(b"sec-fetch-mode") != b"navigate":
            return await refuse(send, 403, "Other sites may only link to this page.\n")
        if not self.sql and scope["method"] not in ("GET", "HEAD"):
            return await refuse(send, 405, "The page is read-only.\n", [(b"allow", b"GET, HEAD")])
        if scope["path"] == "/" and not self.sql:
            return await refuse(send, 302, "", [(b"location", PAGE.encode())])
        if not self.sql and not self.is_of_the_page(scope):
            return await refuse(send, 403, "Only the page is served. For all of Datasette start httpmon-web --sql.\n")
        await self.app(scope, receive, send)

    def is_for_us(self, host):
        try:
            return urllib.parse.urlsplit("//" + host).hostname in self.names
        except ValueError:
            return False

    def is_of_the_page(self, scope):
        path = scope["path"]
        if path == "/httpmon.json":
            asked = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            return len(asked.get("sql", [])) == 1 and asked["sql"][0] in self.queries and not any(
                name.startswith("_") and name != "_shape" for name in asked)
        return path == PAGE or path.startswith((PAGE + "/", "/-/static/", "/-/static-plugins/"))


async def refuse(send, status, text, headers=()):
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8"), *headers]})
    await send({"type": "http.response.body", "body": text.encode()})


def names_of(host, also):
    """The names of this server that a request's Host may have."""
    names = {host.lower(), *(name.lower().strip("[]") for name in also)}
    try:
        anywhere = ipaddress.ip_address(host).is_unspecified or ipaddress.ip_address(host).is_loopback
    except ValueError:
        anywhere = host.lower() == "localhost"
    return names | ({"localhost", "127.0.0.1", "::1"} if anywhere else set())


def main(host, port, sql, path, *also):
    check(path)
    page = dashboard()
    style = base64.b64encode(page["style"].encode()).decode()
    script = base64.b64encode(page["script"].encode()).decode()
    server = Datasette(
        metadata={
            "title": "httpmon",
            "extra_css_urls": [f"data:text/css;base64,{style}"],
            "extra_js_urls": [f"data:text/javascript;base64,{script}"],
            "plugins": {"datasette-dashboards": {"httpmon": page["dashboard"]}},
        },
        settings={"max_returned_rows": 5000, "sql_time_limit_ms": 5000, "num_sql_threads": 3,
                  "allow_download": False, "suggest_facets": False},
    )
    server.add_database(Store(server, path=path), name="httpmon")
    queries = {chart["query"] for chart in page["dashboard"]["charts"].values()}
    app = Door(server.app(), names_of(host, also), queries, sql == "yes")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        fail(f"{host} port {port}: {error}")
    name = f"[{host}]" if ":" in host else host
    print(f"httpmon-web: http://{name}:{listener.getsockname()[1]}{PAGE}", file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", server_header=False)).run(sockets=[listener])


try:
    main(*sys.argv[1:])
except KeyboardInterrupt:
    pass
