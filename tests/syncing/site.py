"""A web site on this machine, made of a dict."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Page:
    """What is answered for one path. ``etag`` and ``modified`` make 304 possible."""

    body: bytes | str = b""
    type: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: str = ""
    send: Callable[[Any], None] | None = None


def html(title: str, text: str = "Turn the blue key.", **more: Any) -> Page:
    """A page with a title and a sentence."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body>"
    return Page(body, **more)


def moved(place: str, status: int = 302) -> Page:
    """A redirect."""
    return Page(status=status, headers={"Location": place})


def sitemap(addresses: Iterable[str], *, index: bool = False, packed: bool = False) -> Page:
    """A sitemap of these addresses, or an index of these sitemaps."""
    outer, inner = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    lines = "".join(f"<{inner}><loc> {address} </loc></{inner}>\n" for address in addresses)
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</{outer}>'
    )
    if packed:
        return Page(gzip.compress(xml.encode()), "application/gzip")
    return Page(xml, "application/xml")


class Site:
    """A server on loopback.

    Attributes:
        pages: by path with query; what is not there is 404.
        asked: (path, status) of each request, in order.
        agents: User-Agents seen.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, int]] = []
        self.agents: set[str] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass  # whoever asked has hung up

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    def paths(self, status: int | None = None) -> list[str]:
        """Paths asked for so far, without robots.txt."""
        return [
            path
            for path, got in self.asked
            if path != "/robots.txt" and (status is None or got == status)
        ]

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        listening = self._server.socket
        self._server.socket = context.wrap_socket(listening, server_side=True)

    def close(self) -> None:
        """Stop answering: later connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.agents.add(handler.headers.get("User-Agent", ""))
        page = self.pages.get(handler.path, Page("gone", "text/plain", status=404))
        status, body = page.status, page.body
        if isinstance(body, str):
            body = body.encode()
        same_tag = page.etag and handler.headers.get("If-None-Match") == page.etag
        same_time = (
            not page.etag
            and page.modified
            and handler.headers.get("If-Modified-Since") == page.modified
        )
        if same_tag or same_time:
            status, body = 304, b""
        self.asked.append((handler.path, status))
        try:
            if page.send is not None and status == 200:
                page.send(handler)
                return
            handler.send_response(status)
            headers = {"Content-Type": page.type} | page.headers
            headers |= {"ETag": page.etag} if page.etag else {}
            headers |= {"Last-Modified": page.modified} if page.modified else {}
            for name, value in headers.items():
                if value:
                    handler.send_header(name, value)
            if status != 304:
                handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True  # whoever asked has hung up
