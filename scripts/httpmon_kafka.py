"""Carries access logs of many servers to a few httpmons through a topic of Kafka.

The topic itself remembers how far a log was sent: a new sender looks up the last lines of its server there and passes
over its input up to them. A position kept in a file can be wrong by what was under way when the sender was killed;
one in a header (a line's number in the input) is worth nothing after a rotation, when the input begins elsewhere.

What a killed sender still had under way can arrive after a new one has looked. So every message has a number, which
grows with every line of a server, and the receiver drops a number that it has passed.
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

send     Sends each line of standard input as a message with the key SERVER, in
         order, each once, also when Kafka is away for a while. The input must
         begin where the log does, or its newest rotated file: what was sent
         already is passed over.
receive  Writes the lines of all servers, and waits for more.

  --brokers LIST     HOST:PORT,... [127.0.0.1:9092]
  --topic NAME       the topic [httpmon]
  -X NAME=VALUE      a setting of librdkafka, like security.protocol=ssl;
                     may be given several times
  --anew             send: send the whole input, whatever the topic has
  --from EVENTS      receive: begin so early that httpmon knows all when it
                     comes to what that file doesn't have yet; without it,
                     begin with the oldest message there is
  --apart            receive: a line ==> SERVER <== says whose lines follow
  --partitions LIST  receive: only these, like 0,3 [all]
  --window DURATION  receive: the --window of httpmon [2m]
  --skew DURATION    receive: how far a server's clock may be ahead [5s]
  --help             this text

    httpmon-follow -q access.csv | httpmon-kafka send web1
    httpmon-kafka receive --apart --from ev | httpmon | httpmon-append ev

The first time, confluent-kafka is installed with pip in a virtual environment
under ${XDG_CACHE_HOME:-~/.cache}/httpmon.

Status: 0 the input has ended, or the reader went away; 2 usage, or Kafka
refused a message, or the input has ended before the last line that was sent.
"""
PATIENCE = 0.5  # seconds before a question to Kafka is asked again
TIMEOUT = 10
QUIET = 10  # seconds without input after which it is said that nothing is sent yet
BATCH = 2000
LOOK_BACK = 10_000  # messages; more if a server's last lines repeat themselves
# A message has at most 1,000,000 bytes. httpmon counts a line of more than 262,144 as malformed, cut or not.
LONGEST_LINE = 500_000
NUMBER = "n"  # the header with the number
WARM_UP = 600  # seconds of a replay after which httpmon-append believes it more than the file

said = None


def say(text):
    """Once, however often it happens."""
    global said
    if text != said:
        print(f"httpmon-kafka: {text}", file=sys.stderr, flush=True)
    said = text


def fail(text):
    sys.exit(say(text) or 2)


def tell(error):
    """Of an error that librdkafka gets over by itself, or of one that it doesn't."""
    if error.fatal():
        fail(error.str())
    say(f"{error.str()}; trying again")


def settings(options, more):
    common = {"bootstrap.servers": options.brokers, "client.id": "httpmon", "error_cb": tell, "log_level": 0}
    return {**common, **more, **dict(setting.split("=", 1) for setting in options.X)}


def consumer_of(options):
    # No group: who reads what, and from where, is decided here.
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
    """Which numbers of each server have come."""

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
        # Nothing is ever given up, so there is no gap and no other order.
        "enable.idempotence": True, "enable.gapless.guarantee": True, "message.timeout.ms": 0,
        "linger.ms": 20, "queue.buffering.max.kbytes": 32768, "compression.type": "lz4",
        "delivery.report.only.error": True, "on_delivery": lambda error, _: error and fail(error.str()),
    }))
    # As librdkafka's own partitioner does it for other producers.
    partition = zlib.crc32(key) % len(partitions_of(producer, options.topic))
    number, sent = last_sent(options, partition, key)
    if options.anew:
        sent = []
    if not sent:  # also if all was older than what Kafka keeps: a receiver may remember the numbers
        number = max(number, time.time_ns() // 1000)
    recent = collections.deque(maxlen=len(sent))
    lines = events.Lines()
    for data in pieces():
        producer.poll(0)
        if not data and sent:
            say(f"{options.server}: the last line that was sent has not come yet (see --anew)")
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
    # A last line without an end was torn; when the input is read again it comes whole.
    while producer.flush(1):
        pass
    if sent:
        fail(f"{options.server}: the last line that was sent is not in the input (see --anew)")


def pieces():
    """Standard input; an empty piece after each time of silence."""
    while True:
        data = b""
        if select.select([0], [], [], QUIET)[0]:
            data = os.read(0, 1 << 16)
            if not data:
                return
        yield data


def last_sent(options, partition, key):
    """The last number of a server in the topic, and its last lines, so many that they are there only once."""
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
    """As few of the last lines as occur only once; none if it can't be told without those before."""
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
        fail(f"{options.topic} has no partition {min(missing)}")
    places = [kafka.TopicPartition(options.topic, partition) for partition in options.partitions or partitions]
    for place, offset in zip(places, first_offsets(consumer, places, options)):
        place.offset = offset
    consumer.assign(places)
    passed, shown = Passed(), None
    reader = select.poll()
    reader.register(1, 0)
    while not reader.poll(0):  # until the reader of the output is gone
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
    """Where a line of the time in question can be first. A line never comes before its time, but for the clock."""
    begin = replay_time(options.events, options) if options.events else None
    if begin is None:
        return [kafka.OFFSET_BEGINNING] * len(places)
    asked = [kafka.TopicPartition(place.topic, place.partition, begin * 1000) for place in places]
    found = patiently(lambda: consumer.offsets_for_times(asked, timeout=TIMEOUT))
    # Below 0: nothing so late yet, or the broker can't tell.
    return [place.offset if place.offset >= 0 and not place.error else kafka.OFFSET_BEGINNING for place in found]


def replay_time(path, options):
    """A window and the warm-up before the last summary with requests, or the first alert that is active, of the source
    that is furthest behind; None if there is none."""
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
        parser.error("send needs a SERVER, receive has none")
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
