"""Carries the access logs of many servers to a few httpmons through a Kafka topic.

The topic itself records how far a log was sent. A new sender looks up the last lines of its server there and skips its
input up to them. A position in a file can be wrong by what was in flight when the sender was killed. A line number of
the input is useless after a rotation, when the input begins elsewhere.

What a killed sender had in flight can arrive after a new sender has looked. So every message has a number, which grows
with every line of a server, and the receiver drops numbers that it has passed.
"""

import argparse
import collections
import os
import select
import signal
import sys
import time
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import httpmon_events as events

HELP = """\
usage: httpmon-kafka send [OPTION]... SERVER   < lines
       httpmon-kafka receive [OPTION]...       > lines

send     Sends each line of standard input as a message with the key SERVER: in
         order, each once, even if Kafka is down for a while. The input must
         begin where the log or its newest rotated file does: lines that were
         sent before are skipped.
receive  Writes the lines of all servers, and waits for more.

  --brokers LIST     HOST:PORT,... [127.0.0.1:9092]
  --topic NAME       the topic [httpmon]
  -X NAME=VALUE      a setting of librdkafka, like security.protocol=ssl;
                     may be repeated
  --anew             send: send the whole input, whatever the topic has
  --from EVENTS      receive: start early enough that httpmon can continue the
                     events in this file; without it, start with the oldest
                     message
  --apart            receive: a line ==> SERVER <== names the server of the
                     next lines
  --partitions LIST  receive: only these, like 0,3 [all]
  --window DURATION  receive: the --window of httpmon [2m]
  --skew DURATION    receive: how far a server's clock may be ahead [5s]
  --help             print this help

    httpmon-follow -q access.csv | httpmon-kafka send web1
    httpmon-kafka receive --apart --from ev | httpmon | httpmon-append ev

The first time, confluent-kafka is installed with pip in a virtual environment
under ${XDG_CACHE_HOME:-~/.cache}/httpmon.

Status: 0 end of input, or the reader closed the output; 2 usage error, or
Kafka refused a message, or the input ended before the last line sent.
"""
PATIENCE = 0.5  # seconds before a request to Kafka is repeated
TIMEOUT = 10
QUIET = 10  # seconds without input before a warning that nothing is sent yet
BATCH = 2000
LOOK_BACK = 10_000  # messages; more if a server's last lines are not unique
# A message has at most 1,000,000 bytes. httpmon counts a line of more than 262,144 as malformed, cut or not.
LONGEST_LINE = 500_000
NUMBER = "n"  # the header with the number
WARM_UP = 600  # seconds of a replay after which httpmon-append trusts it more than the file

said = None


def say(text):
    """Reports `text`, but not twice in a row."""
    global said
    if text != said:
        print(f"httpmon-kafka: {text}", file=sys.stderr, flush=True)
    said = text


def fail(text):
    sys.exit(say(text) or 2)


def tell(error):
    """Reports an error; exits if librdkafka can't recover from it."""
    if error.fatal():
        fail(error.str())
    say(f"{error.str()}; trying again")


def settings(options, more):
    common = {"bootstrap.servers": options.brokers, "client.id": "httpmon", "error_cb": tell, "log_level": 0}
    return {**common, **more, **dict(setting.split("=", 1) for setting in options.X)}


def consumer_of(options):
    # No consumer group: the partitions and offsets are chosen here.
    return kafka.Consumer(settings(options, {
        "group.id": "httpmon", "enable.auto.commit": False, "auto.offset.reset": "earliest",
        "enable.partition.eof": True, "queued.max.messages.kbytes": 16384, "fetch.wait.max.ms": 100,
    }))


def patiently(ask):
    while True:
        try:
            return ask()
        except kafka.KafkaException as error:
            tell(error.args[0])
            time.sleep(PATIENCE)


def partitions_of(client, name):
    def ask():
        topic = client.list_topics(name, timeout=TIMEOUT).topics[name]
        if topic.error:
            raise kafka.KafkaException(topic.error)
        return sorted(topic.partitions)

    return patiently(ask)


def number_of(message):
    """None for a message of another producer."""
    for name, value in message.headers() or ():
        if name == NUMBER:
            return int(value)
    return None


class Passed:
    """The last number received from each server."""

    def __init__(self):
        self.last = {}

    def is_new(self, key, number):
        if number is None:
            return True
        if number <= self.last.get(key, -1):
            return False
        self.last[key] = number
        return True


def send(options):
    key = os.fsencode(options.server)
    producer = kafka.Producer(settings(options, {
        # No message is ever given up, so there are no gaps and the order is kept.
        "enable.idempotence": True, "enable.gapless.guarantee": True, "message.timeout.ms": 0,
        "linger.ms": 20, "queue.buffering.max.kbytes": 32768, "compression.type": "lz4",
        "delivery.report.only.error": True, "on_delivery": lambda error, _: error and fail(error.str()),
    }))
    # The same as librdkafka's default partitioner, for other producers.
    partition = zlib.crc32(key) % len(partitions_of(producer, options.topic))
    number, sent = last_sent(options, partition, key)
    if options.anew:
        sent = []
    if not sent:  # also if Kafka has deleted all messages: a receiver may remember the numbers
        number = max(number, time.time_ns() // 1000)
    recent = collections.deque(maxlen=len(sent))
    lines = events.Lines()
    for data in pieces():
        producer.poll(0)
        if not data and sent:
            say(f"{options.server}: the last line sent before is not in the input yet; to send it all: --anew")
        for line in lines.take(data):
            line = line[:LONGEST_LINE]
            if sent:
                recent.append(line)
                if line == sent[-1] and list(recent) == sent:
                    sent = []
                continue
            number += 1
            headers = [(NUMBER, b"%d" % number)]
            while True:
                try:
                    producer.produce(options.topic, line, key, partition, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.1)
    # A last line without LF was torn; when the input is read again it is whole.
    while producer.flush(1):
        pass
    if sent:
        fail(f"{options.server}: the last line sent before is not in the input; to send it all: --anew")


def pieces():
    """Pieces of standard input; an empty piece after QUIET seconds without input."""
    while True:
        data = b""
        if select.select([0], [], [], QUIET)[0]:
            data = os.read(0, 1 << 16)
            if not data:
                return
        yield data


def last_sent(options, partition, key):
    """The last number of a server in the topic, and its last lines: as many as needed to be unique there."""
    consumer = consumer_of(options)
    place = kafka.TopicPartition(options.topic, partition)
    back = LOOK_BACK
    while True:
        first, end = patiently(lambda: consumer.get_watermark_offsets(place, timeout=TIMEOUT))
        place.offset = max(first, end - back)
        number, lines = read_to_end(consumer, place, key)
        is_whole = place.offset == first
        sent = last_unique(lines, is_whole)
        if sent or is_whole:
            consumer.close()
            return number, sent
        back *= 4


def read_to_end(consumer, place, key):
    consumer.assign([place])
    lines, passed = [], Passed()
    while True:
        for message in consumer.consume(BATCH, PATIENCE):
            if message.error():
                if message.error().code() == kafka.KafkaError._PARTITION_EOF:
                    return passed.last.get(key, 0), lines
                tell(message.error())
            elif message.key() == key and passed.is_new(key, number_of(message)):
                lines.append(message.value())


def last_unique(lines, is_whole):
    """The fewest last lines that occur only once; none if that needs lines before those read."""
    size = min(1, len(lines))
    others = [place for place in range(len(lines) - 1) if lines[place] == lines[-1]]
    while others:
        size += 1
        if others[0] < size - 1 and not is_whole:
            return []
        others = [place for place in others if place >= size - 1 and lines[place - size + 1] == lines[-size]]
    return lines[len(lines) - size :]


def receive(options):
    consumer = consumer_of(options)
    partitions = partitions_of(consumer, options.topic)
    if missing := set(options.partitions or []) - set(partitions):
        fail(f"--partitions: topic {options.topic} has no partition {min(missing)}")
    places = [kafka.TopicPartition(options.topic, partition) for partition in options.partitions or partitions]
    for place, offset in zip(places, first_offsets(consumer, places, options)):
        place.offset = offset
    consumer.assign(places)
    passed, shown = Passed(), None
    reader = select.poll()
    reader.register(1, 0)
    while not reader.poll(0):  # until the reader has closed the output
        out = []
        for message in consumer.consume(BATCH, 0.2):
            if message.error():
                if message.error().code() != kafka.KafkaError._PARTITION_EOF:
                    tell(message.error())
                continue
            server = message.key() or b"-"
            if passed.is_new(server, number_of(message)):
                if options.apart and server != shown:
                    out.append(b"==> %s <==" % server)
                    shown = server
                out.append(message.value() or b"")
        data = b"".join(line + b"\n" for line in out)
        while data:
            data = data[os.write(1, data) :]


def first_offsets(consumer, places, options):
    """The first offsets that can have lines of the time needed: no line is sent before its time, except for the skew of
    the clocks."""
    begin = replay_time(options.events, options) if options.events else None
    if begin is None:
        return [kafka.OFFSET_BEGINNING] * len(places)
    asked = [kafka.TopicPartition(place.topic, place.partition, begin * 1000) for place in places]
    found = patiently(lambda: consumer.offsets_for_times(asked, timeout=TIMEOUT))
    # Below 0: no message so late, or the broker doesn't know.
    return [place.offset if place.offset >= 0 and not place.error else kafka.OFFSET_BEGINNING for place in found]


def replay_time(path, options):
    """The time at which the replay must start: a window and the warm-up before the oldest of these: each source's last
    summary with requests, and each active alert. None if there are neither."""
    busy, alerts = {}, {}
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return None
    with file:
        for event in events.read_events(file):
            source = event["source"]
            if event["type"] == "summary" and (event["requests"] or source not in busy):
                busy[source] = events.to_epoch(event["start"])
            elif event["type"] == "alert":
                alerts[source, event["name"]] = events.to_epoch(event["time"])
            elif event["type"] == "recovery":
                alerts.pop((source, event["name"]), None)
    oldest = min([*busy.values(), *alerts.values()], default=None)
    return None if oldest is None else max(0, oldest - options.window - options.skew - WARM_UP)


def typed(read, what):
    def convert(text):
        try:
            return read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"not {what}: {text!r}") from None

    return convert


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP, end="")
        return 0
    global kafka
    import confluent_kafka as kafka

    duration = typed(events.duration, "a duration like 30s or 2m")
    parser = argparse.ArgumentParser(prog="httpmon-kafka", allow_abbrev=False, add_help=False, usage="httpmon-kafka --help")
    parser.add_argument("verb", choices=["send", "receive"])
    parser.add_argument("server", nargs="?")
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--topic", default="httpmon")
    parser.add_argument("-X", action="append", default=[])
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--from", dest="events")
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--partitions", type=typed(lambda text: [int(part) for part in text.split(",")], "a list like 0,3"))
    parser.add_argument("--window", type=duration, default=120)
    parser.add_argument("--skew", type=duration, default=5)
    options = parser.parse_intermixed_args()
    if (options.verb == "send") != (options.server is not None):
        parser.error("send needs a SERVER, receive takes none")
    if not all("=" in setting for setting in options.X):
        parser.error("-X needs NAME=VALUE")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        (send if options.verb == "send" else receive)(options)
    except kafka.KafkaException as error:
        fail(error.args[0].str() if error.args else str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
