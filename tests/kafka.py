"""For tests/all/kafka.sh: logs of six servers through a broker to three httpmons, while what carries them is killed.

    python3 tests/kafka.py FOLDER mock|TANSU|kept:TANSU ROUNDS [LINES]

TANSU is the broker's program; mock is the cluster that librdkafka has for tests, in this process. In each of ROUNDS the
servers write on, the consumers get ahead, and then all consumers and some senders get SIGKILL; so does the broker, if it
keeps its messages. In the end each line must have come once and in order, and the events must be those of unbroken runs.
LINES are for measuring the speed.
"""

import atexit
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import zlib

import confluent_kafka as kafka
from confluent_kafka.admin import AdminClient, NewTopic

folder, rounds = pathlib.Path(sys.argv[1]), int(sys.argv[3])
kind, _, program = sys.argv[2].rpartition(":")
is_mock, is_kept = program == "mock", kind == "kept"
OPTIONS = ["-i", "3s", "-w", "5s", "-t", "8", "--idle-timeout", "0"]
SERVERS = ["web1", "web2", "web3", "web4", "web5", "web9"]  # two of them in partition 3
ROUND = 15  # seconds of the logs
CONSUMERS = {"a": (0, 1), "b": (2, 3), "one": (3,)}  # their partitions
chosen = random.Random(20)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too


def fail(text):
    sys.exit(f"kafka: {text}")


def until(what, check):
    end = time.monotonic() + 60
    while not check():
        if time.monotonic() > end:
            fail(f"in a minute not so: {what}")
        time.sleep(0.05)


def start(command):
    """A pipe that can be killed as a whole."""
    pipe = subprocess.Popen(["bash", "-c", command], cwd=folder, start_new_session=True, stderr=open(folder / "err", "ab"))
    atexit.register(kill, pipe)
    return pipe


def kill(pipe):
    try:
        os.killpg(pipe.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    pipe.wait()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start_tansu():
    url = f"tcp://{address}"
    return start(f"exec {program} broker --silent --listener-url {url} --advertised-listener-url {url} --storage-engine {storage} > tansu.log")


process = None
if is_mock:
    mock = kafka.Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3, "log_level": 0})
    address = ",".join(f"{one.host}:{one.port}" for one in mock.list_topics(timeout=30).brokers.values())
else:
    address, storage = f"127.0.0.1:{free_port()}", "memory://tansu/"
    if is_kept:
        storage, port = "s3://tansu/", free_port()
        os.environ.update(
            AWS_ENDPOINT=f"http://127.0.0.1:{port}", AWS_ALLOW_HTTP="true", AWS_REGION="none", AWS_ACCESS_KEY_ID="-", AWS_SECRET_ACCESS_KEY="-")
        start(f"exec {sys.executable} {pathlib.Path(__file__).parent.absolute()}/s3.py {port} kept")
        until("the store is there", lambda: (folder / "kept/tansu").is_dir())
    process = start_tansu()
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    topics = admin.create_topics([NewTopic("httpmon", 4, 1), NewTopic("small", 1, 1), NewTopic("speed", 1, 1), NewTopic("pipe", 1, 1)], request_timeout=60)
    for created in topics.values():
        created.result()


def write(second, pace):
    """Lines of a round: those of one second are much alike, so that a place among them isn't found by one line."""
    for server in SERVERS:
        for now in range(second, second + ROUND):
            add(server, "".join(f'10.0.0.{number // 4},-,-,{now},"GET /s{number // 6} HTTP/1.1",200,1\n' for number in range(pace)))


def add(server, lines):
    for name in ("csv", "all"):
        with open(folder / f"{server}.{name}", "a") as log:
            log.write(lines)


def partition_of(server):
    return zlib.crc32(server.encode()) % 4


def rotate():
    for server in SERVERS:
        log = folder / f"{server}.csv"
        if (folder / f"{server}.csv.1").exists():
            os.rename(folder / f"{server}.csv.1", folder / f"{server}.csv.2")
        os.rename(log, folder / f"{server}.csv.1")
        log.touch()


def send(server):
    return start(f"httpmon-follow -q {server}.csv | httpmon-kafka send --brokers {address} {server}")


def consume(name):
    options = "--partitions " + ",".join(map(str, CONSUMERS[name])) + ("" if name == "one" else " --apart")
    return start(
        f"httpmon-kafka receive --brokers {address} {options} --window 5s --from {name}.ndjson | tee {name}.raw |"
        f" httpmon {' '.join(OPTIONS)} | httpmon-append {name}.ndjson > /dev/null"
    )


def events(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines(True) if line.endswith(b"}\n")]


def is_ahead(name, second):
    """An alert is active in all that a consumer has, and it has come beyond a time."""
    told = events(folder / f"{name}.ndjson")
    kinds = [event["type"] for event in told]
    wanted = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
    is_active = kinds.count("alert") > kinds.count("recovery")
    return is_active and any(event["type"] == "summary" and event["end"] >= wanted for event in told)


def messages():
    """Those that the topic has."""
    consumer = kafka.Consumer({"bootstrap.servers": address, "group.id": "test", "enable.partition.eof": True, "log_level": 0})
    consumer.assign([kafka.TopicPartition("httpmon", partition, 0) for partition in range(4)])
    found, ended = [], 0
    while ended < 4:
        for message in consumer.consume(1000, 1):
            if not message.error():
                found.append(message)
            ended += bool(message.error()) and message.error().code() == kafka.KafkaError._PARTITION_EOF
    consumer.close()
    return found


def send_again(server, count):
    """As if the last messages of a sender that was killed had been under way, and came only now."""
    producer = kafka.Producer({"bootstrap.servers": address, "log_level": 0})
    for message in [message for message in messages() if message.key() == server.encode()][-count:]:
        producer.produce("httpmon", message.value(), message.key(), message.partition(), headers=message.headers())
    producer.flush()


def sent_lines():
    return sum((folder / f"{server}.all").read_bytes().count(b"\n") for server in SERVERS)


def received(options, count):
    """What `receive` writes, of which `count` lines are of logs; then it waits."""
    path = folder / "received"
    path.write_bytes(b"")
    pipe = start(f"httpmon-kafka receive --brokers {address} {options} > received")
    until(f"{count} lines come", lambda: sum(not line.startswith(b"==>") for line in path.read_bytes().splitlines()) >= count)
    kill(pipe)
    return path.read_bytes()


def run(lines, *options):
    return subprocess.run(["httpmon", *OPTIONS, *options], input=lines, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def without_skipped(data, source):
    told = [json.loads(line) for line in data.splitlines()]
    return [{**event, "skipped": 0} for event in told if event["source"] == source]


second = 1_700_000_000
write(second, 2)
senders = {server: send(server) for server in SERVERS}
consumers = {name: consume(name) for name in CONSUMERS}
killed = 0
for number in range(rounds):
    if number % 7 == 6:
        rotate()
    paused = process is not None and not is_kept and number % 5 == 4
    if is_kept:
        # Not in the middle of a write: Tansu notes that a message has come before it keeps it, and then takes it for sent.
        until(f"round {number}: all lines are in the topic", lambda: len(messages()) >= sent_lines())
        kill(process)
    if paused:
        os.kill(process.pid, signal.SIGSTOP)  # away for a while; what was under way stays so
    second += ROUND
    write(second, 12)
    for server in chosen.sample(SERVERS, 2):
        kill(senders[server])
        senders[server] = send(server)
        killed += 1
    if paused:
        server = chosen.choice(SERVERS)
        kill(senders[server])
        senders[server] = send(server)
        killed += 1
        os.kill(process.pid, signal.SIGCONT)
    if is_kept:
        process = start_tansu()
    for name in CONSUMERS:
        until(f"round {number}: consumer {name} is ahead, in an alert", lambda: is_ahead(name, second))
    for name in CONSUMERS:
        kill(consumers[name])
        if number % 3 == 0:  # as a kill in the middle of a write can leave it
            with open(folder / f"{name}.ndjson", "ab") as file:
                file.write(b'{"type":"summary","torn')
        consumers[name] = consume(name)
second += ROUND
write(second, 1)
until("all lines are in the topic", lambda: len(messages()) >= sent_lines())
send_again("web1", 50)
kill(senders["web1"])
senders["web1"] = send("web1")
for server in SERVERS:
    add(server, f'10.0.0.1,-,-,{second + ROUND},"GET /end/{server} HTTP/1.1",200,1\n')

logs = {server: (folder / f"{server}.all").read_bytes() for server in SERVERS}
count = sent_lines()
last = {name: [b"GET /end/%s " % server.encode() for server in SERVERS if partition_of(server) in partitions] for name, partitions in CONSUMERS.items()}
for name, pipe in consumers.items():
    raw = folder / f"{name}.raw"
    until(f"{name}: all lines have come", lambda: all(line in raw.read_bytes() for line in last[name]))
    subprocess.run(["pkill", "-g", str(pipe.pid), "-f", "httpmon_kafka.py"], check=True)
    until(f"{name}: it ends", lambda: pipe.poll() is not None)

twice = len(messages()) - count
if twice < 50:
    fail(f"{twice} messages came twice")
lines = received("--apart", count)
got, server = {}, None
for line in lines.splitlines(True):
    if line.startswith(b"==> "):
        server = line.split()[1].decode()
    else:
        got[server] = got.get(server, b"") + line
for server in SERVERS:
    if got.get(server) != logs[server]:
        fail(f"{server}: the lines that came are not those of the log")
print(f"ok {killed} senders killed, the broker {f'killed {rounds}' if is_kept else f'stopped {rounds // 5 if process else 0}'} times, {rounds // 7} rotations: each of {count} lines once and in order; {twice} came twice to the topic and were dropped")

alerts = 0
for name in ("a", "b"):
    told = (folder / f"{name}.ndjson").read_bytes()
    for server in SERVERS:
        if partition_of(server) in CONSUMERS[name]:
            expected = without_skipped(run(logs[server], "--source", server), server)
            alerts += sum(event["type"] == "alert" for event in expected)
            if without_skipped(told, server) != expected:
                fail(f"{server}: other events than those of an unbroken run: {folder}/{name}.ndjson")
if alerts < len(SERVERS):
    fail("not every server has an alert")
if (folder / "one.ndjson").read_bytes() != run(received("--partitions 3", sum(logs[server].count(b"\n") for server in SERVERS if partition_of(server) == 3))):
    fail("one stream: other bytes than those of an unbroken run")
print(f"ok {len(CONSUMERS)} consumers killed {rounds} times in an alert: {alerts} alerts, and the events are those of an unbroken run")


def status_of_send(lines, *options):
    command = ["httpmon-kafka", "send", "--brokers", address, "--topic", "small", *options, "web1"]
    return subprocess.run(command, input=lines, stderr=subprocess.DEVNULL).returncode


statuses = [status_of_send(b"a\nb\na\nb\nto"), status_of_send(b"b\nb\n"), status_of_send(b"a\nb\na\nb\ntorn\n"), status_of_send(b"a\n", "--anew")]
if statuses != [0, 2, 0, 0]:
    fail(f"statuses of senders: {statuses}")
if (got := received("--topic small", 6)) != b"a\nb\na\nb\ntorn\na\n":
    fail(f"other lines: {got}")
print("ok a last line without an end waits for it; an input without the last line sent is refused, or sent anew")

if len(sys.argv) > 4:
    count = int(sys.argv[4])
    line = '10.0.0.%d,-,-,%d,"GET /s%d/page HTTP/1.1",200,%d\n'
    (folder / "speed.csv").write_text("".join(line % (number % 250, second + number // 9999, number % 9, number) for number in range(count)))
    began = time.monotonic()
    subprocess.run(f"httpmon-kafka send --brokers {address} --topic speed web1 < speed.csv", shell=True, cwd=folder, check=True)
    sent = time.monotonic()
    subprocess.run(f"httpmon-kafka receive --brokers {address} --topic speed | head -n {count} | cmp - speed.csv", shell=True, cwd=folder, check=True)
    got = time.monotonic()
    print(f"ok {count} lines of one server: {count / (sent - began):,.0f} lines/s sent, {count / (got - sent):,.0f} lines/s received, with the start of the programs")
    pipe = start(f"httpmon-kafka receive --brokers {address} --topic pipe | head -n {count} | httpmon {' '.join(OPTIONS)} | httpmon-append pipe.ndjson > /dev/null")
    subprocess.run(f"httpmon-kafka send --brokers {address} --topic pipe web1 < speed.csv", shell=True, cwd=folder, check=True)
    if pipe.wait() or (folder / "pipe.ndjson").read_bytes() != run((folder / "speed.csv").read_bytes()):
        fail("the whole pipe: other events than those of the log")
    print(f"ok {count / (time.monotonic() - got):,.0f} lines/s from the log to the file of events, all programs at once")
