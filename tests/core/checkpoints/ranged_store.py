"""A store for tests: a server on the loopback address that serves ranges and counts every byte,
and the file system that fsspec would have for it."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec


class Server:
    """Serves a folder; ``sent`` counts bytes of bodies, ``asked`` requests.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.sent = 0
        self.asked = 0
        self._folder = folder
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                server._answer(self, body=False)

            def do_GET(self) -> None:
                server._answer(self, body=True)

            def log_message(self, *_words: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler, *, body: bool) -> None:
        self.asked += 1
        path = self._folder / handler.path.strip("/")
        if not path.exists():
            handler.send_error(404)
            return
        folder = path.is_dir()
        names = [one.name for one in path.iterdir()] if folder else []
        whole = json.dumps(names).encode() if folder else path.read_bytes()
        first, last = 0, len(whole)
        if "Range" in handler.headers:
            begin, end = handler.headers["Range"].removeprefix("bytes=").split("-")
            first, last = int(begin), int(end) + 1
        part = whole[first:last]
        handler.send_response(206 if "Range" in handler.headers else 200)
        handler.send_header("Content-Length", str(len(part)))
        handler.send_header("X-Folder", str(int(folder)))
        handler.send_header("ETag", str(path.stat().st_mtime_ns))
        handler.end_headers()
        if body:
            # Counted first: whoever asked may look as soon as the bytes are there.
            self.sent += len(part)
            handler.wfile.write(part)


class RangedFileSystem(fsspec.AbstractFileSystem):
    """``s3://`` for a test: the same calls as the real one, to a server of our own."""

    protocol = "s3"
    cachable = False
    url = ""

    def _ask(self, path: str, method: str = "GET", **headers: str) -> Any:
        request = urllib.request.Request(f"{self.url}/{path}", headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            raise FileNotFoundError(path) from error

    def info(self, path: str, **_options: object) -> dict[str, Any]:
        headers, _ = self._ask(path, "HEAD")
        kind = "directory" if headers["X-Folder"] == "1" else "file"
        size = int(headers["Content-Length"])
        return {"name": path, "size": size, "type": kind, "ETag": headers["ETag"]}

    def ls(self, path: str, detail: bool = True, **_options: object) -> list[Any]:
        names = [f"{path}/{name}" for name in json.loads(self._ask(path)[1])]
        return [self.info(name) for name in names] if detail else names

    def _open(self, path: str, mode: str = "rb", **options: Any) -> "_File":
        options.pop("autocommit", None)
        return _File(self, path, mode, **options)


class _File(fsspec.spec.AbstractBufferedFile):
    def _fetch_range(self, start: int, end: int) -> bytes:
        return self.fs._ask(self.path, Range=f"bytes={start}-{end - 1}")[1]
