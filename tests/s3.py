"""For tests/kafka.py: a folder as a store that speaks S3's protocol, in which Tansu keeps its messages.

    python3 tests/s3.py PORT FOLDER

localbucket does it all but for `If-Match` of a PUT, with which Tansu sees to it that no update is lost.
"""

import pathlib
import sys
import threading
from http.server import ThreadingHTTPServer

import localbucket


class Handler(localbucket.S3Handler):
    data_root = pathlib.Path(sys.argv[2])
    disable_nagle_algorithm = True
    one_at_a_time = threading.Lock()

    def _write_object(self, bucket, key, write):
        with self.one_at_a_time:
            target = self._object_path(bucket, key)
            wanted = self.headers.get("If-Match")
            if wanted and not (target.exists() and localbucket.etag_matches(wanted, localbucket.object_etag(target))):
                raise self._precondition_failed_error()
            return super()._write_object(bucket, key, write)

    def log_message(self, *_):
        pass


Handler.data_root.joinpath("tansu").mkdir(parents=True, exist_ok=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
